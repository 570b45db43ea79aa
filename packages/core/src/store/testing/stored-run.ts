import type { DagRunState, SerializedTask, TaskInstanceState } from '@tradewind/protocol';
import { systemRandom } from '../../platform/random.ts';
import type { Database, SqlValue } from '../database.ts';
import { saveParsedFile } from '../save-parsed-file.ts';
import { hashed, serializedDag } from './serialized-dag.ts';
import { insert } from './transition-fixtures.ts';

/** When the dags of `storeDag` were read, and the runs of `storeRun` were queued. */
export const STORED_AT = 1_000;

/** Stores a version of a dag, `orders` unless said otherwise, with these tasks and makes it the current one. Returns the version's id. */
export async function storeDag(
  database: Database,
  tasks: readonly SerializedTask[],
  bundleVersion = 'one',
  dagId = 'orders',
): Promise<string> {
  const random = systemRandom(() => STORED_AT);
  const file = { file: `${dagId}.ts`, contentHash: bundleVersion, dependencies: {}, version: { bundleVersion }, warnings: [], parseMs: 1 };
  const context = { now: STORED_AT, newId: () => random.uuid() };
  await saveParsedFile(database, { ...file, dags: [hashed(serializedDag({ dagId, tasks }))] }, context);
  const dag = await database.reads.selectFrom('dag').select('dagVersionId').where('dagId', '=', dagId).executeTakeFirstOrThrow();
  return dag.dagVersionId;
}

/** A run to be stored. */
export interface RunToStore {
  readonly id: string;
  /** @default 'orders' */
  readonly dagId?: string;
  readonly dagVersionId: string;
  readonly state?: DagRunState;
  /** By task id, or `task[index]`; task instances are at epoch 1 of their first try, except those in state `none`. Their ids are `<run>.<name>`. */
  readonly instances: Readonly<Record<string, TaskInstanceState>>;
  /** Further columns of the run. */
  readonly changes?: Readonly<Record<string, SqlValue>>;
}

/** Stores a run with its task instances; running and held by term 1 unless said otherwise. Each task instance has left a value. */
export async function storeRun(
  database: Database,
  { id, dagId = 'orders', dagVersionId, state = 'running', instances, changes = {} }: RunToStore,
): Promise<void> {
  const isOver = state === 'success' || state === 'failed';
  const row = insert('dag_run', {
    id,
    dag_id: dagId,
    run_id: id,
    run_type: 'manual',
    state,
    triggered_by: 'test',
    conf: '{}',
    run_after_at: STORED_AT,
    queued_at: STORED_AT,
    started_at: state === 'queued' ? null : STORED_AT,
    ended_at: isOver ? STORED_AT : null,
    dag_version_id: dagVersionId,
    bundle_version: 'one',
    scheduler_term: state === 'running' ? 1 : null,
    ...changes,
  });
  // The name of a statement is cut, and the columns that differ come last.
  await database.batch([{ ...row, name: `test_store_run_${Object.keys(changes).join('_')}` }]);
  for (const [name, found] of Object.entries(instances)) await storeTaskInstance(database, { dagId, runId: id, name, state: found });
}

async function storeTaskInstance(
  database: Database,
  {
    dagId,
    runId,
    name,
    state,
  }: { readonly dagId: string; readonly runId: string; readonly name: string; readonly state: TaskInstanceState },
): Promise<void> {
  const [, taskId = '', index = '-1'] = /^([^[]+)(?:\[(\d+)\])?$/.exec(name) ?? [];
  const hasRun = state === 'none' ? 0 : 1;
  await database.batch([
    insert('task_instance', {
      id: `${runId}.${name}`,
      dag_run_id: runId,
      dag_id: dagId,
      run_id: runId,
      task_id: taskId,
      map_index: Number(index),
      state,
      epoch: hasRun,
      try_number: hasRun,
      max_tries: 3,
      losses: 0,
      operator: 'function',
      scheduled_at: hasRun === 1 && state !== 'upstream_failed' ? STORED_AT : null,
      started_at: hasRun === 1 ? STORED_AT : null,
    }),
    insert('xcom', {
      dag_run_id: runId,
      task_id: taskId,
      map_index: Number(index),
      key: 'return_value',
      value: '1',
      created_at: STORED_AT,
    }),
  ]);
}
