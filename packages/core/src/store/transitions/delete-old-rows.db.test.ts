import { expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { serializedTask } from '../testing/serialized-dag.ts';
import { storeDag, storeRun } from '../testing/stored-run.ts';
import { insert } from '../testing/transition-fixtures.ts';
import { CLEANABLE_TABLES, countOldRows, deleteOldRows, type Cleaning } from './delete-old-rows.ts';

const CLEANING: Cleaning = { before: 100, tables: CLEANABLE_TABLES, dagIds: [], excludedDagIds: [], batchSize: 1_000 };

async function storeRuns(database: Database): Promise<void> {
  const dagVersionId = await storeDag(database, [serializedTask('a')]);
  const runs = [
    ['scheduled-1', 'scheduled', 'success', 10],
    ['scheduled-2', 'scheduled', 'failed', 20],
    ['manual-3', 'manual', 'success', 30],
    ['manual-4', 'manual', 'success', 400],
  ] as const;
  for (const [id, type, state, at] of runs) {
    const changes = { run_type: type, run_after_at: at, ended_at: at };
    await storeRun(database, { id, dagVersionId, state, instances: { a: 'success' }, changes });
  }
  await storeRun(database, {
    id: 'running',
    dagVersionId,
    instances: { a: 'running' },
    changes: { run_type: 'manual', run_after_at: 5, ended_at: null },
  });
}

async function runsOf(database: Database): Promise<readonly string[]> {
  const rows = await database.reads.selectFrom('dagRun').select('id').orderBy('id').execute();
  return rows.map(({ id }) => id);
}

describeDatabases('a cleaning', (open) => {
  test('deletes old runs that have ended, but for the newest of each dag that was not made by hand', async () => {
    const database = await open();
    await storeRuns(database);
    expect(await countOldRows(database, { ...CLEANING, tables: ['dag_run'] })).toEqual([{ table: 'dag_run', rows: 2 }]);
    expect(await deleteOldRows(database, { ...CLEANING, tables: ['dag_run'] })).toEqual([{ table: 'dag_run', rows: 2 }]);
    expect(await runsOf(database)).toEqual(['manual-4', 'running', 'scheduled-2']);
    expect(await database.reads.selectFrom('taskInstance').select('id').execute()).toHaveLength(3);
    expect(await deleteOldRows(database, { ...CLEANING, tables: ['dag_run'] })).toEqual([{ table: 'dag_run', rows: 0 }]);
  });

  test('goes on portion by portion until all is done', async () => {
    const database = await open();
    await storeRuns(database);
    expect(await deleteOldRows(database, { ...CLEANING, tables: ['dag_run'], batchSize: 1 })).toEqual([{ table: 'dag_run', rows: 2 }]);
  });

  test.each([
    ['of named dags leaves the others', { dagIds: ['other'] }],
    ['leaves the dags that it is told to', { excludedDagIds: ['orders'] }],
  ])('%s', async (_rule, narrowed) => {
    const database = await open();
    await storeRuns(database);
    expect(await deleteOldRows(database, { ...CLEANING, ...narrowed, tables: ['dag_run'] })).toEqual([{ table: 'dag_run', rows: 0 }]);
    expect(await runsOf(database)).toHaveLength(5);
  });

  test('deletes versions that nothing is on any more', async () => {
    const database = await open();
    const old = await storeDag(database, [serializedTask('a')]);
    const current = await storeDag(database, [serializedTask('b')], 'two');
    await storeRun(database, { id: 'run', dagVersionId: old, state: 'success', instances: {} });
    const versions = async () => (await database.reads.selectFrom('dagVersion').select('id').execute()).map(({ id }) => id).toSorted();
    const cleaning = { ...CLEANING, before: 10_000, tables: ['dag_version'] as const };
    expect(await deleteOldRows(database, cleaning)).toEqual([{ table: 'dag_version', rows: 0 }]);
    expect(await versions()).toEqual([current, old].toSorted());
    await deleteOldRows(database, { ...CLEANING, before: 10_000, tables: ['dag_run', 'dag_version'] });
    expect(await versions()).toEqual([current]);
  });

  test('keeps an ended scheduler while a run is still held by it', async () => {
    const database = await open();
    await storeRuns(database);
    for (let job = 0; job < 2; job += 1) {
      await database.batch([
        insert('job', { kind: 'scheduler', hostname: 'h', pid: 1, started_at: 0, heartbeat_at: 0, expires_at: 0, ended_at: 50 }),
      ]);
    }
    expect(await deleteOldRows(database, { ...CLEANING, tables: ['job'] })).toEqual([{ table: 'job', rows: 1 }]);
    expect(await database.reads.selectFrom('job').select('id').execute()).toEqual([{ id: 1 }]);
  });

  test('deletes missed deadlines of runs that were never created, but for the newest of each, and what they called', async () => {
    const database = await open();
    const deadline = { dag_id: 'orders', name: 'by nine', reference: 'dag_run_logical_date', due_at: 1, created_at: 1 };
    const missed = async (id: string, logicalAt: number, missedAt: number | null): Promise<void> => {
      await database.batch([insert('deadline', { ...deadline, id, logical_at: logicalAt, missed_at: missedAt })]);
      const call = { scope: 'deadline', kind: 'by nine', dag_id: 'orders', context: '{}', bundle_version: 'one', file: 'orders.ts' };
      await database.batch([insert('callback_request', { ...call, id, state: 'success', created_at: 1, ended_at: missedAt })]);
    };
    await missed('first', 1, 10);
    await missed('second', 2, 20);
    await missed('third', 3, 30);
    await missed('late', 4, 300);
    await missed('open', 5, null);
    const tables = ['callback_request', 'deadline'] as const;
    expect(await deleteOldRows(database, { ...CLEANING, tables, excludedDagIds: ['orders'] })).toMatchObject([{ rows: 0 }, { rows: 0 }]);
    expect(await deleteOldRows(database, { ...CLEANING, before: 25, tables })).toMatchObject([{ rows: 2 }, { rows: 2 }]);
    expect(await deleteOldRows(database, { ...CLEANING, before: 1_000, tables: ['deadline'] })).toMatchObject([{ rows: 2 }]);
    const left = await database.reads.selectFrom('deadline').select('id').execute();
    expect(left.map(({ id }) => id)).toEqual(['open']);
    await database.batch([{ name: 'test_miss', text: () => `update deadline set missed_at = 40`, values: [] }]);
    expect(await deleteOldRows(database, { ...CLEANING, tables: ['deadline'] })).toEqual([{ table: 'deadline', rows: 0 }]);
  });

  test('deletes what was sent and who read what, when it is old', async () => {
    const database = await open();
    const message = { asset_name: 'a', target: '{}', envelope: '{}', created_at: 0, next_attempt_at: 0 };
    await database.batch([insert('outbox', { id: 'sent', state: 'sent', sent_at: 5, ...message })]);
    await database.batch([insert('outbox', { id: 'late', state: 'sent', sent_at: 500, ...message })]);
    await database.batch([insert('outbox', { id: 'waiting', state: 'pending', sent_at: null, ...message })]);
    expect(await deleteOldRows(database, CLEANING)).toMatchObject([
      { rows: 0 },
      { rows: 0 },
      { rows: 0 },
      { rows: 0 },
      { rows: 0 },
      { table: 'outbox', rows: 1 },
      { table: 'secret_fetch', rows: 0 },
    ]);
    expect((await database.reads.selectFrom('outbox').select('id').execute()).map(({ id }) => id).toSorted()).toEqual(['late', 'waiting']);
  });
});
