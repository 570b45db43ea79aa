import { DefinitionError } from '../errors.ts';
import { groupLeaves } from './group-edges.ts';
import { isBranchChoice, isGroupRef, type BranchChoice, type GroupRef } from './group-ref.ts';
import type { Edges, Place } from './open-dag.ts';
import { checkOwn } from './read-inputs.ts';
import { showValue } from './show-value.ts';
import { isTaskRef } from './task-ref.ts';

/** The edges that `after` names. Throws a `DefinitionError` where an item is no task, group or choice of this dag. */
export function readAfter(where: string, value: unknown, place: Place): Edges {
  if (value === undefined) return { upstream: [], followedOn: new Map() };
  if (!Array.isArray(value)) throw new DefinitionError(where, `after must be a list of tasks, such as [rows], and not ${showValue(value)}`);
  const followedOn = Map.groupBy(value.filter(isBranchChoice), ({ branchId }) => branchId);
  const upstream = value.flatMap((item: unknown, index) => readItem(where, `after[${index}]`, item, place));
  const plain = value.find((item: unknown) => isTaskRef(item) && followedOn.has(item.taskId)) as { taskId: string } | undefined;
  if (plain !== undefined) {
    throw new DefinitionError(
      where,
      `after names the branch "${plain.taskId}", which is always followed, and one of its choices, which is not; leave one of them out`,
    );
  }
  return { upstream, followedOn: new Map([...followedOn].map(([branchId, choices]) => [branchId, choices.map(({ label }) => label)])) };
}

function readItem(where: string, field: string, item: unknown, place: Place): readonly string[] {
  if (isTaskRef(item)) {
    checkOwn(where, field, item, place);
    return [item.taskId];
  }
  if (isGroupRef(item)) return readGroup(where, field, item, place);
  if (isBranchChoice(item)) return readChoice(where, field, item, place);
  throw new DefinitionError(where, `${field} is ${showValue(item)}; list what d.task() or d.group() returned, or a choice of a branch`);
}

function readGroup(where: string, field: string, ref: GroupRef, { dag }: Place): readonly string[] {
  const group = dag.refs.has(ref) ? dag.groups.get(ref.groupId) : undefined;
  if (group === undefined) {
    throw new DefinitionError(where, `${field} is group "${ref.groupId}" of another dag; only groups of the same dag can be named`);
  }
  const leaves = groupLeaves(dag, group.members);
  if (leaves.length > 0) return leaves;
  throw new DefinitionError(where, `${field} is group "${ref.groupId}", which has no task to wait for; leave it out, or add a task to it`);
}

function readChoice(where: string, field: string, choice: BranchChoice, { dag, mappedGroup }: Place): readonly string[] {
  const branch = dag.refs.has(choice) ? dag.tasks.get(choice.branchId) : undefined;
  if (branch === undefined) {
    throw new DefinitionError(
      where,
      `${field} is a choice of branch "${choice.branchId}" of another dag; only branches of the same dag can be named`,
    );
  }
  if (branch.mappedGroupId !== undefined && branch.mappedGroupId !== mappedGroup?.groupId) {
    throw new DefinitionError(
      where,
      `${field} is a choice of "${choice.branchId}", which each index of the mapped group "${branch.mappedGroupId}" makes for itself; follow it inside of the group`,
    );
  }
  return [choice.branchId];
}
