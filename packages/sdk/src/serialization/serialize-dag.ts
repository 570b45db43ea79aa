import { SERIALIZED_DAG_VERSION, type SerializedAsset, type SerializedDag, type SerializedTask } from '@tradewind/protocol';
import type { AnyAsset } from '../authoring/asset.ts';
import { deepFreeze } from '../authoring/deep-freeze.ts';
import type { CheckedDagOptions } from '../authoring/read-dag-options.ts';
import type { AuthoredTask } from '../authoring/read-task-spec.ts';
import { DefinitionError } from '../errors.ts';

/** A dag as its author wrote it, checked and with its defaults filled in. */
export interface AuthoredDag extends CheckedDagOptions {
  readonly dagId: string;
  readonly tasks: readonly AuthoredTask[];
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
    tasks: dag.tasks.map(serializeTask),
    assets: collectAssets(dag),
  };
  return deepFreeze(serialized);
}

function serializeTask(task: AuthoredTask): SerializedTask {
  return {
    taskId: task.taskId,
    operator: task.operator,
    ...present({ displayName: task.displayName, doc: task.doc }),
    inputs: task.inputs,
    upstream: task.upstream,
    triggerRule: task.triggerRule,
    retries: task.retries,
    retryDelayMs: task.retryDelayMs,
    ...present({ executionTimeoutMs: task.executionTimeoutMs }),
    isolation: task.isolation,
    outlets: [...new Set(task.outlets.map(({ name }) => name))],
  };
}

/** Every asset that the schedule or a task names, each once. */
function collectAssets({ dagId, assets, tasks }: AuthoredDag): readonly SerializedAsset[] {
  const byName = new Map<string, SerializedAsset>();
  for (const asset of [...assets, ...tasks.flatMap(({ outlets }) => outlets)]) {
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

/** The fields that have a value: JSON has no undefined. */
function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
