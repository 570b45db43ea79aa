import { expect, test } from 'vitest';
import { silentLog } from '../platform/log.ts';
import { createMemoryValues, type MemoryValues } from '../platform/testing/memory-values.ts';
import { LargeValues } from '../platform/value-store.ts';
import type { Database } from './database.ts';
import { deleteWithValues, sweepValues } from './sweep-values.ts';
import { describeDatabases } from './testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance } from './testing/transition-fixtures.ts';
import { deleteDagRun } from './transitions/delete-dag-run.ts';
import { pushXComs } from './transitions/push-xcoms.ts';

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** `run_1` has ended and has a value that a row refers to. */
async function prepare(open: () => Promise<Database>): Promise<{ database: Database; store: MemoryValues; key: string }> {
  const database = await open();
  const store = createMemoryValues();
  const values = new LargeValues({ store, offloadBytes: 0, log: silentLog });
  await insertDag(database);
  await insertDagRun(database, 'run_1', { state: 'success', ended_at: 1 });
  await insertTaskInstance(database, 'success');
  await database.batch([pushXComs(1, [{ taskInstanceId: 'instance_1', epoch: 1, ...(await values.keep('run_1', '[1]')) }])]);
  const [key = ''] = store.texts.keys();
  return { database, store, key };
}

describeDatabases('large values', (open) => {
  test('go with their run', async () => {
    const { database, store } = await prepare(open);
    await insertDagRun(database, 'run_2', { state: 'running', ended_at: null });
    const other = await store.put('run_2', '[2]');
    expect(await deleteWithValues(database, store, () => deleteDagRun(database, 'run_1'))).toBe('deleted');
    expect([...store.texts.keys()]).toEqual([other.key]);
  });

  test('stay with a run that was not deleted, and those of runs that another database may know stay, too', async () => {
    const { database, store } = await prepare(open);
    await insertDagRun(database, 'run_2', { state: 'running', ended_at: null });
    await store.put('run_2', '[2]');
    await store.put('run_of_another_database', '[3]');
    expect(await deleteWithValues(database, store, () => deleteDagRun(database, 'run_2'))).toBe('not_ended');
    expect(store.texts.size).toBe(3);
  });

  test('that no row refers to are swept after an hour, and no others', async () => {
    const { database, store, key } = await prepare(open);
    await store.put('run_1', '["left behind by a crash"]');
    expect(await sweepValues(database, store, HOUR_MS)).toEqual({ runs: 0, values: 0 });
    expect(await sweepValues(database, store, HOUR_MS + 1)).toEqual({ runs: 0, values: 1 });
    expect([...store.texts.keys()]).toEqual([key]);
  });

  test('of a run that is not known are swept after a week', async () => {
    const { database, store, key } = await prepare(open);
    await store.put('run_9', '[9]');
    expect(await sweepValues(database, store, WEEK_MS)).toEqual({ runs: 0, values: 0 });
    expect(await sweepValues(database, store, WEEK_MS + 1)).toEqual({ runs: 1, values: 0 });
    expect([...store.texts.keys()]).toEqual([key]);
  });
});
