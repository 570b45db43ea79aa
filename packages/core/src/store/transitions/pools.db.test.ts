import { expect, test } from 'vitest';
import { findPool, listPools, listSlotHolders } from '../reads/pools.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { finishTaskInstances } from './finish-task-instances.ts';
import { holdDagRuns } from './hold-dag-runs.ts';
import { changePool, createPool, deletePool, type WantedPool } from './pools.ts';
import { scheduleTaskInstances } from './schedule-task-instances.ts';

const TICK = '1.1';
const NOW = 1_000;
const ETL: WantedPool = { name: 'etl', slots: 4, description: 'loads', includeDeferred: false };

/** Task instances of the pool `etl`: one at work with two slots, one in each other state with one. */
async function fill(database: Parameters<typeof insertDag>[0]): Promise<void> {
  await insertDag(database);
  await insertDagRun(database);
  for (const [index, state] of (['running', 'queued', 'scheduled', 'deferred', 'success'] as const).entries()) {
    const pool_slots = state === 'running' ? 2 : 1;
    await insertTaskInstance(database, state, { id: state, map_index: index, pool: 'etl', pool_slots, queued_at: index });
  }
}

describeDatabases('pools', (open) => {
  test('are made once and changed in part', async () => {
    const database = await open();
    expect(await createPool(database, ETL)).toBe('created');
    expect(await createPool(database, { ...ETL, slots: 9 })).toBe('already_exists');
    expect(await changePool(database, 'etl', { slots: -1 })).toBe('changed');
    expect(await changePool(database, 'etl', { includeDeferred: true, description: '' })).toBe('changed');
    expect(await changePool(database, 'other', { slots: 1 })).toBe('not_found');
    expect(await findPool(database, 'etl')).toMatchObject({ slots: -1, includeDeferred: true, description: '' });
  });

  test('are deleted whatever is in them, but for the default one', async () => {
    const database = await open();
    await createPool(database, ETL);
    await fill(database);
    expect(await deletePool(database, 'etl')).toBe('deleted');
    expect(await deletePool(database, 'etl')).toBe('not_found');
    expect(await deletePool(database, 'default_pool')).toBe('is_default');
    expect(await findPool(database, 'default_pool')).toMatchObject({ slots: 128 });
  });

  test('count what is in them by slots and not by task instances', async () => {
    const database = await open();
    await createPool(database, ETL);
    await fill(database);
    expect(await findPool(database, 'etl')).toEqual({
      name: 'etl',
      slots: 4,
      description: 'loads',
      includeDeferred: false,
      runningSlots: 2,
      queuedSlots: 1,
      scheduledSlots: 1,
      deferredSlots: 1,
    });
  });

  test('name those who hold their slots, deferred ones where they count', async () => {
    const database = await open();
    await createPool(database, ETL);
    await fill(database);
    const holders = async (): Promise<readonly string[]> => (await listSlotHolders(database, 'etl', 10)).map(({ state }) => state);
    expect(await holders()).toEqual(['running', 'queued']);
    await changePool(database, 'etl', { includeDeferred: true });
    expect(await holders()).toEqual(['running', 'queued', 'deferred']);
    expect(await listSlotHolders(database, 'etl', 1)).toHaveLength(1);
  });

  test('keep the slots of what is deferred from then on, where they count it', async () => {
    const database = await open();
    await createPool(database, { ...ETL, includeDeferred: true });
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'running', { pool: 'etl' });
    const taken = async (): Promise<readonly string[]> => (await listSlotHolders(database, 'etl', 10)).map(({ state }) => state);
    const counts = { retryAt: null, maxTries: 1, losses: 0, reschedules: 0, failure: null, decision: null, mapIndexLabel: null };
    const attempt = { taskInstanceId: 'instance_1', epoch: 1, from: 'running', state: 'deferred', endedAt: NOW } as const;
    await database.batch([finishTaskInstances([{ ...attempt, ...counts, deferral: '{}' }])]);
    expect(await taken()).toEqual(['deferred']);
    const again = scheduleTaskInstances(TICK, NOW, [{ id: 'instance_1', epoch: 1, raisesTry: 0, resumption: null }]);
    await database.batch([holdDagRuns(TICK, 1, NOW, [{ id: 'run_1', revision: 0 }]), again]);
    expect(await taken()).toEqual([]);
  });

  test('are listed by pattern and in order', async () => {
    const database = await open();
    await createPool(database, ETL);
    await createPool(database, { ...ETL, name: 'web', slots: 1 });
    const page = { limit: 10, offset: 0 };
    const names = async (filter: Parameters<typeof listPools>[1], attribute = 'name', descending = false): Promise<readonly string[]> =>
      (await listPools(database, filter, page, [{ attribute, descending }])).rows.map(({ name }) => name);
    expect(await names({})).toEqual(['default_pool', 'etl', 'web']);
    expect(await names({}, 'slots', true)).toEqual(['default_pool', 'etl', 'web']);
    expect(await names({ namePattern: 'e%l' })).toEqual(['default_pool', 'etl']);
    expect(await names({ namePrefixPattern: 'we' })).toEqual(['web']);
    expect((await listPools(database, {}, { limit: 1, offset: 1 })).total).toBe(3);
  });
});
