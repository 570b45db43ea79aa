import type { SerializedDag } from '@tradewind/protocol';
import type { Database, SqlValue, Statement } from '../../store/database.ts';
import { insert } from '../../store/testing/transition-fixtures.ts';

/** Stores a dag on its only version, `version of <dag id>`, without the rows that a dag processor keeps beside it. */
export async function addDag(database: Database, dag: SerializedDag, row: Readonly<Record<string, SqlValue>> = {}): Promise<void> {
  const id = `version of ${dag.dagId}`;
  await database.batch([
    insert('dag_version', {
      id,
      dag_id: dag.dagId,
      version_number: 1,
      content_hash: 'hash',
      bundle_version: 'bundle',
      serialized: JSON.stringify(dag),
      created_at: 0,
    }),
    insert('dag', {
      dag_id: dag.dagId,
      file: `${dag.dagId}.ts`,
      is_paused: 0,
      is_stale: 0,
      dag_version_id: id,
      bundle_version: 'bundle',
      tags: '[]',
      schedule: JSON.stringify(dag.schedule),
      catchup: Number(dag.catchup),
      max_active_runs: dag.maxActiveRuns,
      max_active_tasks: 16,
      parsed_at: 0,
      parse_ms: 1,
      created_at: 0,
      ...row,
    }),
  ]);
}

/** Runs one statement of SQL and returns its rows. */
export async function rows<Row>(database: Database, sql: string): Promise<readonly Row[]> {
  const statement: Statement<Row> = { name: `test ${sql}`.slice(0, 60), text: () => sql, values: [] };
  const [found] = await database.batch([statement]);
  return found.map((row) => ({ ...row }));
}
