import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { defineStatement, type Database } from '../database.ts';
import { EXAMPLE_NOW } from '../reads/testing/example-time.ts';
import { insertExampleRows } from '../reads/testing/example-rows.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { deleteDag, KEPT_TABLES_OF_DAG } from './delete-dag.ts';

/** Every table with a column `dag_id`, and how many rows it has of a dag. */
async function rowsOf(database: Database, dagId: string): Promise<Map<string, number>> {
  const tables =
    database.dialect === 'sqlite'
      ? sql<{
          name: string;
        }>`select m.name as name from sqlite_master as m join pragma_table_info(m.name) as c where m.type = 'table' and c.name = 'dag_id'`
      : sql<{
          name: string;
        }>`select table_name as name from information_schema.columns where table_schema = current_schema() and column_name = 'dag_id'`;
  const { rows } = await tables.execute(database.reads);
  const counts = rows.map(async ({ name }) => {
    const counted = await sql<{ count: number }>`select count(*) as count from ${sql.table(name)} where dag_id = ${dagId}`.execute(
      database.reads,
    );
    return [name, Number(counted.rows[0]?.count)] as const;
  });
  return new Map(await Promise.all(counts));
}

const endRuns = defineStatement<never, []>(
  'test_end_runs',
  () => `update dag_run set state = 'success' where dag_id = 'orders'`,
  () => [],
);

/** Emptied by `deleteDag`: a table that is new and names a dag belongs here or among those that are kept. */
const DELETED = `dag dag_version dag_run task_instance backfill trigger rendered_task_instance_fields timetable_stock dag_schedule_asset
  dag_schedule_reference task_outlet_asset task_outlet_alias task_inlet_asset dag_asset callback_request deadline`.split(/\s+/);

describeDatabases('deleteDag', (open) => {
  test('leaves a dag alone that has a run which has not ended', async () => {
    const database = await open();
    await insertExampleRows(database);
    const before = await rowsOf(database, 'orders');
    expect(await deleteDag(database, 'orders', EXAMPLE_NOW)).toEqual({ outcome: 'runs_not_ended' });
    expect(await rowsOf(database, 'orders')).toEqual(before);
  });

  test('takes a dag away with all that belongs to it, and nothing of another one', async () => {
    const database = await open();
    await insertExampleRows(database);
    const others = await rowsOf(database, 'profiles');
    await database.batch([endRuns()]);
    expect(await deleteDag(database, 'orders', EXAMPLE_NOW)).toEqual({ outcome: 'deleted', file: 'orders.ts' });
    const left = [...(await rowsOf(database, 'orders'))].filter(([table, rows]) => rows > 0 && !KEPT_TABLES_OF_DAG.includes(table));
    expect(left).toEqual([]);
    expect(await rowsOf(database, 'profiles')).toEqual(others);
    expect(await deleteDag(database, 'orders', EXAMPLE_NOW)).toEqual({ outcome: 'not_found' });
  });

  test('knows every table that names a dag', async () => {
    const database = await open();
    const tables = [...(await rowsOf(database, 'orders')).keys()];
    expect(tables.toSorted()).toEqual([...KEPT_TABLES_OF_DAG, ...DELETED].toSorted());
  });
});
