import { expect, test } from 'vitest';
import type { Statement } from '../database.ts';
import { TABLES_OF_RUN, TABLES_OF_TASK_INSTANCE } from '../rows-of-dag-run.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { serializedTask } from '../testing/serialized-dag.ts';
import { storeDag, storeRun } from '../testing/stored-run.ts';
import { insert } from '../testing/transition-fixtures.ts';
import { deleteDagRun } from './delete-dag-run.ts';

/** Tables that name a run and outlive it, for the reasons in rows-of-dag-run.ts. */
const KEPT = ['backfill_dag_run', 'secret_fetch'];

describeDatabases('deleteDagRun', (open) => {
  test('takes everything of an ended run away, and nothing of others', async () => {
    const database = await open();
    const dagVersionId = await storeDag(database, [serializedTask('a')]);
    for (const id of ['run', 'other']) {
      await storeRun(database, { id, dagVersionId, state: 'success', instances: { a: 'success' } });
      await database.batch([
        insert('mapped_scope', { dag_run_id: id, scope_id: 'a', length: 1 }),
        insert('task_instance_history', { task_instance_id: `${id}.a`, epoch: 1, try_number: 1, state: 'failed' }),
      ]);
    }
    expect(await deleteDagRun(database, 'run')).toBe('deleted');
    expect(await deleteDagRun(database, 'run')).toBe('not_found');
    const { reads } = database;
    expect(await reads.selectFrom('dagRun').select('id').execute()).toEqual([{ id: 'other' }]);
    expect(await reads.selectFrom('taskInstance').select('id').execute()).toEqual([{ id: 'other.a' }]);
    expect(await reads.selectFrom('taskInstanceHistory').select('taskInstanceId').execute()).toEqual([{ taskInstanceId: 'other.a' }]);
    expect(await reads.selectFrom('xcom').select('dagRunId').execute()).toEqual([{ dagRunId: 'other' }]);
    expect(await reads.selectFrom('mappedScope').select('dagRunId').execute()).toEqual([{ dagRunId: 'other' }]);
  });

  test.each(['queued', 'running'] as const)('leaves a %s run alone', async (state) => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, [serializedTask('a')]), state, instances: { a: 'none' } });
    expect(await deleteDagRun(database, 'run')).toBe('not_ended');
    expect(await database.reads.selectFrom('taskInstance').select('id').execute()).toEqual([{ id: 'run.a' }]);
    expect(await database.reads.selectFrom('xcom').select('taskId').execute()).toHaveLength(1);
  });

  test('of two at once one deletes', async () => {
    const [one, two] = [await open(), await open()];
    await storeRun(one, {
      id: 'run',
      dagVersionId: await storeDag(one, [serializedTask('a')]),
      state: 'failed',
      instances: { a: 'failed' },
    });
    const outcomes = await Promise.all([deleteDagRun(one, 'run'), deleteDagRun(two, 'run')]);
    expect(outcomes.toSorted()).toEqual(['deleted', 'not_found']);
  });

  test('knows every table that names a run or a task instance', async () => {
    const database = await open();
    const catalog: Statement<{ name: string }> = {
      name: 'test_tables_of_run',
      text: ({ dialect }) =>
        dialect === 'sqlite'
          ? `select distinct tables.name as name from sqlite_master as tables join pragma_table_info(tables.name) as columns
             where tables.type = 'table' and columns.name in ('dag_run_id', 'task_instance_id')`
          : `select distinct table_name as name from information_schema.columns
             where table_schema = 'public' and column_name in ('dag_run_id', 'task_instance_id')`,
      values: [],
    };
    const [tables] = await database.batch([catalog]);
    expect(tables.map(({ name }) => name).toSorted()).toEqual([...TABLES_OF_RUN, ...TABLES_OF_TASK_INSTANCE, ...KEPT].toSorted());
  });
});
