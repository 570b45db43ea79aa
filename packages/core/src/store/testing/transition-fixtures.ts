import { createHash } from 'node:crypto';
import type { SerializedDag, TaskInstanceState } from '@tradewind/protocol';
import type { Database, SqlValue, Statement } from '../database.ts';

/** A dag of one task, `dag_1`, as stored by the dag processor; its version is `version_1`. */
export async function insertDag(database: Database, changes: Readonly<Record<string, SqlValue>> = {}): Promise<void> {
  const dag: SerializedDag = {
    schemaVersion: 1,
    dagId: 'dag_1',
    tags: [],
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
    maxActiveRuns: 16,
    maxActiveTasks: 16,
    tasks: [],
    assets: [],
  };
  await database.batch([
    insert('dag_version', {
      id: 'version_1',
      dag_id: 'dag_1',
      version_number: 1,
      content_hash: 'hash',
      bundle_version: 'bundle',
      serialized: JSON.stringify(dag),
      created_at: 0,
    }),
    insert('dag', {
      dag_id: 'dag_1',
      file: 'dag_1.ts',
      is_paused: 0,
      is_stale: 0,
      dag_version_id: 'version_1',
      bundle_version: 'bundle',
      tags: '[]',
      schedule: '{"kind":"none"}',
      catchup: 0,
      max_active_runs: 16,
      max_active_tasks: 16,
      parsed_at: 0,
      parse_ms: 1,
      created_at: 0,
      ...changes,
    }),
  ]);
}

/** A run of `dag_1`; running and held by term 1 unless said otherwise. */
export async function insertDagRun(database: Database, id = 'run_1', changes: Readonly<Record<string, SqlValue>> = {}): Promise<void> {
  await database.batch([
    insert('dag_run', {
      id,
      dag_id: 'dag_1',
      run_id: id,
      run_type: 'manual',
      state: 'running',
      triggered_by: 'test',
      conf: '{}',
      run_after_at: 0,
      queued_at: 0,
      dag_version_id: 'version_1',
      bundle_version: 'bundle',
      scheduler_term: 1,
      ...changes,
    }),
  ]);
}

/** A task instance of a run, in a state, at epoch 1 of its first try. */
export async function insertTaskInstance(
  database: Database,
  state: TaskInstanceState,
  changes: Readonly<Record<string, SqlValue>> = {},
): Promise<void> {
  await database.batch([
    insert('task_instance', {
      id: 'instance_1',
      dag_run_id: 'run_1',
      dag_id: 'dag_1',
      run_id: 'run_1',
      task_id: 'task_1',
      map_index: -1,
      state,
      epoch: 1,
      try_number: 1,
      max_tries: 3,
      losses: 0,
      operator: 'function',
      scheduled_at: 500,
      ...changes,
    }),
  ]);
}

/** One column of one row, by its id. */
export async function read(database: Database, table: string, column: string, id: string): Promise<unknown> {
  const select: Statement<{ value: unknown }> = {
    name: `test_read_${table}_${column}`,
    text: () => `select ${column} as value from ${table} where id = $1`,
    values: [id],
  };
  const [rows] = await database.batch([select]);
  return rows[0]?.value;
}

/** A statement that changes rows as it says, whatever the rules are. */
export function change(text: string, values: readonly SqlValue[] = []): Statement<never> {
  return { name: `test_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text: () => text, values };
}

/** Writes a row as it is. */
export function insert(table: string, row: Readonly<Record<string, SqlValue>>): Statement<never> {
  const columns = Object.keys(row);
  return {
    name: `test_insert_${table}_${columns.join('_')}`.slice(0, 60),
    text: () => `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
    values: Object.values(row),
  };
}
