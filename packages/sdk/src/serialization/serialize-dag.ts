import {
  SERIALIZED_DAG_VERSION,
  TASK_CALLBACKS,
  type DagCallback,
  type SerializedAsset,
  type SerializedDag,
  type SerializedGroup,
  type SerializedTask,
} from '@tradewind/protocol';
import type { AnyAsset } from '../authoring/asset.ts';
import { deepFreeze } from '../authoring/deep-freeze.ts';
import type { AuthoredTask } from '../authoring/open-dag.ts';
import { present } from '../authoring/present.ts';
import type { CheckedDagOptions } from '../authoring/read-dag-options.ts';
import { DefinitionError } from '../errors.ts';

/** A dag as its author wrote it, checked and with its defaults filled in. */
export interface AuthoredDag extends CheckedDagOptions {
  readonly dagId: string;
  readonly tasks: readonly AuthoredTask[];
  readonly groups: readonly SerializedGroup[];
}

/**
 * The dag as data: everything but the tasks' code. Frozen, and the same text for the same definition.
 * @throws DefinitionError where two assets of one name differ
 */
export function serializeDag(dag: AuthoredDag): SerializedDag {
  const serialized: SerializedDag = {
    schemaVersion: SERIALIZED_DAG_VERSION,
    dagId: dag.dagId,
    ...present({ displayName: dag.displayName, description: dag.description, doc: dag.doc, owner: dag.owner }),
    tags: dag.tags,
    schedule: dag.schedule,
    ...present({ startDate: dag.startDate, endDate: dag.endDate }),
    catchup: dag.catchup,
    isPausedUponCreation: dag.isPausedUponCreation,
    params: dag.params,
    maxActiveRuns: dag.maxActiveRuns,
    maxActiveTasks: dag.maxActiveTasks,
    ...present({
      maxConsecutiveFailedDagRuns: dag.maxConsecutiveFailedDagRuns,
      dagrunTimeoutMs: dag.dagrunTimeoutMs,
      failFast: dag.failFast ? true : undefined,
      allowedRunTypes: dag.allowedRunTypes,
      callbacks: orNone<DagCallback>([...dag.callbacks.keys()]),
      deadlines: orNone(dag.deadlines.map(({ serialized }) => serialized)),
    }),
    tasks: dag.tasks.map(serializeTask),
    ...present({ groups: orNone(dag.groups) }),
    assets: collectAssets(dag),
  };
  return deepFreeze(serialized);
}

function serializeTask({ fields, upstream, followedOn, outlets, inlets, callbacks, ...task }: AuthoredTask): SerializedTask {
  const labels = Object.fromEntries([...followedOn].map(([branchId, known]) => [branchId, [...known]]));
  return {
    ...fields,
    upstream: [...upstream],
    ...present({
      followedOn: followedOn.size === 0 ? undefined : labels,
      callbacks: orNone(TASK_CALLBACKS.filter((when) => callbacks.has(when))),
    }),
    outlets: namesOf(outlets),
    ...present({
      outletAliases: orNone([...new Set(task.outletAliases)]),
      inlets: orNone([...new Set([...namesOf(inlets), ...task.inletReferences])]),
    }),
  };
}

function namesOf(assets: readonly AnyAsset[]): string[] {
  return [...new Set(assets.map(({ name }) => name))];
}

/** What is empty is left out. */
function orNone<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Every asset that the schedule or a task names, each once. */
function collectAssets({ dagId, assets, tasks }: AuthoredDag): readonly SerializedAsset[] {
  const byName = new Map<string, SerializedAsset>();
  for (const asset of [...assets, ...tasks.flatMap(({ outlets, inlets }) => [...outlets, ...inlets])]) {
    const serialized = serializeAsset(asset);
    const earlier = byName.get(asset.name);
    if (earlier !== undefined && JSON.stringify(earlier) !== JSON.stringify(serialized)) {
      throw new DefinitionError(
        `dag "${dagId}"`,
        `two different assets are named "${asset.name}"; declare it once and import it where it is needed`,
      );
    }
    byName.set(asset.name, serialized);
  }
  return [...byName.values()];
}

function serializeAsset({ name, uri, group, extra, eventType, publish, watchers }: AnyAsset): SerializedAsset {
  return { name, uri, group, ...present({ extra }), eventType, ...present({ publish }), watchers };
}
