import { createHash } from 'node:crypto';
import type { SerializedAsset, SerializedDag, SerializedTask } from '@tradewind/protocol';

/** A dag as the dag processor hands it over: without a schedule, params and tasks unless said otherwise. */
export function serializedDag(changes: Partial<SerializedDag> = {}): SerializedDag {
  return {
    schemaVersion: 1,
    dagId: 'orders',
    tags: [],
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
    maxActiveRuns: 16,
    maxActiveTasks: 16,
    tasks: [],
    assets: [],
    ...changes,
  };
}

/** A task that does nothing. */
export function serializedTask(taskId: string, changes: Partial<SerializedTask> = {}): SerializedTask {
  return {
    taskId,
    operator: 'empty',
    inputs: {},
    upstream: [],
    triggerRule: 'all_success',
    retries: 0,
    retryDelayMs: 300_000,
    isolation: 'warm',
    outlets: [],
    ...changes,
  };
}

/** An asset that stays inside of the environment. */
export function serializedAsset(name: string, changes: Partial<SerializedAsset> = {}): SerializedAsset {
  return { name, uri: name, group: 'asset', eventType: `${name}.changed`, watchers: [], ...changes };
}

/** A dag with the hash that stands for its version. */
export function hashed(dag: SerializedDag): { readonly dag: SerializedDag; readonly serializedHash: string } {
  return { dag, serializedHash: createHash('sha256').update(JSON.stringify(dag)).digest('hex') };
}
