import { isTaskId, type SerializedExpansion } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { checkFields, MAX_DOC_LENGTH, readBoolean, readText, MAX_NAME_LENGTH } from './check-fields.ts';
import type { DagBuilder } from './dag-builder.ts';
import { rootsOf } from './group-edges.ts';
import { createGroupRef, isBranchChoice, isGroupRef, type GroupRef } from './group-ref.ts';
import { addEdges, type AuthoredGroup, type OpenDag, type Place } from './open-dag.ts';
import { present } from './present.ts';
import { readAfter } from './read-after.ts';
import { readExpansion } from './read-expansion.ts';
import { tasksOfExpansion } from './read-inputs.ts';
import { readTaskDefaultsOf } from './read-task-defaults.ts';
import { fullId } from './read-task-spec.ts';
import { runDefine } from './run-define.ts';
import type { GroupOptions } from './task-kinds.ts';
import { createExpandedRef, createTaskRef, isTaskRef } from './task-ref.ts';

/** What `group` and `mappedGroup` were given. */
export interface GroupRequest {
  readonly options: unknown;
  readonly define: unknown;
  readonly isMapped: boolean;
}

/** Opens a builder for what is inside. */
export type OpenBuilder = (place: Place, what: string) => { readonly builder: DagBuilder<never, never>; readonly close: () => void };

/** Every field of a group's options; the compiler keeps the list complete. */
export const GROUP_OPTION_FIELDS: Readonly<Record<keyof GroupOptions, true>> = {
  displayName: true,
  doc: true,
  prefixGroupId: true,
  taskDefaults: true,
  after: true,
};
const MAPPED_GROUP_FIELDS = { ...GROUP_OPTION_FIELDS, expand: true } as const;

/** Airflow's limits for the id of a group. */
const GROUP_ID = /^[\w-]{1,200}$/;

/** Adds a group with everything that its callback adds, and returns its ref. Throws a `DefinitionError` for anything that does not hold. */
export function addGroup(place: Place, groupId: string, { options, define, isMapped }: GroupRequest, open: OpenBuilder): GroupRef {
  const { dag } = place;
  const id = fullId(place, groupId);
  const where = `dag "${dag.dagId}", group ${JSON.stringify(id)}`;
  checkGroupId(where, groupId, id, dag);
  const fields = checkFields(where, isMapped ? 'a mapped group' : 'a group', options, isMapped ? MAPPED_GROUP_FIELDS : GROUP_OPTION_FIELDS);
  const edges = readAfter(where, fields.after, place);
  const expand = isMapped ? readGroupExpansion(where, (fields as { expand?: unknown }).expand, place) : undefined;
  const group: AuthoredGroup = {
    groupId: id,
    serialized: {
      groupId: id,
      ...present({
        parentId: place.group?.groupId,
        displayName: readText(where, 'displayName', fields.displayName, MAX_NAME_LENGTH),
        doc: readText(where, 'doc', fields.doc, MAX_DOC_LENGTH),
        expand,
      }),
    },
    members: new Set(),
    // Without a prefix of its own a group gives that of the groups around it away, too (Airflow, `TaskGroup.child_id`).
    prefix: readBoolean(where, 'prefixGroupId', fields.prefixGroupId, true) ? `${id}.` : '',
  };
  const inside: Place = {
    dag,
    group,
    mappedGroup: isMapped ? group : place.mappedGroup,
    defaults: readTaskDefaultsOf(where, fields.taskDefaults, place.defaults),
    memberships: [...place.memberships, group.members],
  };
  dag.groups.set(id, group);
  const { builder, close } = open(inside, `group "${id}"`);
  const refs = runDefine(where, 'the callback of a group', define, [
    builder,
    expand === undefined ? undefined : expandedRefs(inside, expand),
  ]);
  close();
  for (const root of rootsOf(dag, group.members)) {
    addEdges(root, edges);
    if (expand !== undefined) addEdges(root, { upstream: tasksOfExpansion(expand), followedOn: new Map() });
  }
  const ref = createGroupRef(dag.dagId, id, isMapped ? outsideView(place, refs) : refs);
  dag.refs.set(ref, undefined);
  return ref;
}

function checkGroupId(where: string, groupId: unknown, id: string, { tasks, groups }: OpenDag): void {
  if (typeof groupId !== 'string' || !GROUP_ID.test(groupId) || !isTaskId(id)) {
    throw new DefinitionError(where, "a group id is 1 to 200 letters, digits, '_' and '-', and with the groups around it at most 250 long");
  }
  if (groups.has(id)) throw new DefinitionError(where, 'the dag already has a group of this id; give each its own');
  if (tasks.has(id)) throw new DefinitionError(where, 'the dag already has a task of this id; tasks and groups share their ids');
}

function readGroupExpansion(where: string, value: unknown, place: Place): SerializedExpansion {
  if (place.mappedGroup === undefined) return readExpansion(where, value, place);
  throw new DefinitionError(
    where,
    `it is mapped, and so is the group "${place.mappedGroup.groupId}" around it; map once, over the cross product or over sets()`,
  );
}

/** What the callback of a mapped group is given to name: one ref for each name, or for every name that is asked for, where a task returns the names. */
function expandedRefs({ dag, group }: Place, expand: SerializedExpansion): object {
  const groupId = group?.groupId ?? '';
  const refOf = (name: string): object => {
    const ref = createExpandedRef(dag.dagId, groupId, name);
    dag.refs.set(ref, groupId);
    return ref;
  };
  if (expand.kind === 'product') return Object.freeze(Object.fromEntries(expand.over.map(({ name }) => [name, refOf(name)])));
  return new Proxy(Object.freeze({}), {
    get: (_, name) => {
      if (typeof name === 'string') return refOf(name);
      throw new DefinitionError(
        `dag "${dag.dagId}", group "${groupId}"`,
        `what an index is given was asked for ${String(name)}; take names from it, as in (g, { region })`,
      );
    },
  });
}

/** What the callback of a mapped group returned as tasks outside see it: refs of tasks that give the values of all indices. */
function outsideView(place: Place, value: unknown): unknown {
  const { dag } = place;
  if (isTaskRef(value)) {
    if (!dag.refs.has(value)) return value;
    const ref = createTaskRef(dag.dagId, value.taskId);
    dag.refs.set(ref, place.mappedGroup?.groupId);
    return ref;
  }
  if (isGroupRef(value)) {
    const ref = createGroupRef(dag.dagId, value.groupId, outsideView(place, value.refs));
    dag.refs.set(ref, undefined);
    return ref;
  }
  if (isBranchChoice(value) || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => outsideView(place, item));
  const isPlain = Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, outsideView(place, item)])) : value;
}
