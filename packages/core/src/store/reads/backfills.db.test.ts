import { expect, test } from 'vitest';
import { describeDatabases } from '../testing/describe-databases.ts';
import { findBackfill, hasActiveBackfill, listBackfills, readRunStates } from './backfills.ts';
import type { Page } from './query-parts.ts';
import { insertExampleRows } from './testing/example-rows.ts';
import { EXAMPLE_NOW, HOUR } from './testing/example-time.ts';

const WHOLE: Page = { limit: 100, offset: 0 };

describeDatabases('backfills', (open) => {
  test('are listed in the order of their ids, of dags that the caller may read', async () => {
    const database = await open();
    await insertExampleRows(database);
    const idsOf = async (filter: Parameters<typeof listBackfills>[1], descending = false): Promise<readonly number[]> => {
      const { rows, total } = await listBackfills(database, filter, WHOLE, [{ attribute: 'id', descending }]);
      expect(total).toBe(rows.length);
      return rows.map(({ id }) => id);
    };
    expect(await idsOf({ readable: 'all' })).toEqual([1, 2]);
    expect(await idsOf({ readable: 'all', dagId: 'orders' }, true)).toEqual([2, 1]);
    expect(await idsOf({ readable: 'all', dagId: 'profiles' })).toEqual([]);
    expect(await idsOf({ readable: ['orders'] })).toEqual([1, 2]);
    expect(await idsOf({ readable: ['profiles'] })).toEqual([]);
  });

  test('are found by id, with the name that people see, unless the caller may not read the dag', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await findBackfill(database, 1, 'all')).toEqual({
      id: 1,
      dagId: 'orders',
      dagDisplayName: 'Orders',
      fromAt: EXAMPLE_NOW - 48 * HOUR,
      toAt: EXAMPLE_NOW - 24 * HOUR,
      conf: { region: 'us' },
      isPaused: false,
      reprocessBehavior: 'none',
      maxActiveRuns: 10,
      createdAt: EXAMPLE_NOW - 2 * HOUR,
      updatedAt: EXAMPLE_NOW - HOUR,
      completedAt: null,
    });
    expect(await findBackfill(database, 1, ['profiles'])).toBeUndefined();
    expect(await findBackfill(database, 9, 'all')).toBeUndefined();
  });

  test('tell whether a dag has an active one', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await hasActiveBackfill(database, 'orders')).toBe(true);
    expect(await hasActiveBackfill(database, 'profiles')).toBe(false);
  });

  test('find the runs that their dates have, within both bounds', async () => {
    const database = await open();
    await insertExampleRows(database);
    const [found] = [...(await readRunStates(database, 'orders', { fromAt: 0, toAt: EXAMPLE_NOW }))];
    const [at = 0, state] = found ?? [];
    expect(state).toBe('success');
    const datesWithin = async (fromAt: number, toAt: number): Promise<readonly number[]> => [
      ...(await readRunStates(database, 'orders', { fromAt, toAt })).keys(),
    ];
    expect(await datesWithin(at, at)).toEqual([at]);
    expect(await datesWithin(at + 1, EXAMPLE_NOW)).not.toContain(at);
    expect(await datesWithin(0, at - 1)).not.toContain(at);
    expect(await readRunStates(database, 'no such dag', { fromAt: 0, toAt: EXAMPLE_NOW })).toEqual(new Map());
  });
});
