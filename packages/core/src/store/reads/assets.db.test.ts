import { expect, test } from 'vitest';
import { describeDatabases } from '../testing/describe-databases.ts';
import { ASSET_EVENT_ORDER, listAssetEvents, type AssetEventFilter } from './asset-events.ts';
import { ASSET_ORDER, findAsset, listAssets, type AssetFilter } from './assets.ts';
import type { Page } from './query-parts.ts';
import { insertExampleRows } from './testing/example-rows.ts';
import { RUN_IDS } from './testing/example-runs.ts';
import { EXAMPLE_NOW, HOUR } from './testing/example-time.ts';
import { insertRows } from './testing/insert-rows.ts';

const WHOLE: Page = { limit: 100, offset: 0 };
const NAMES_OF_ORDERS = Object.keys(ASSET_ORDER) as (keyof typeof ASSET_ORDER)[];
const NAMES_OF_EVENT_ORDERS = Object.keys(ASSET_EVENT_ORDER) as (keyof typeof ASSET_EVENT_ORDER)[];

describeDatabases('assets', (open) => {
  const namesOf = async (filter: Partial<AssetFilter>): Promise<readonly string[]> => {
    const database = await open();
    await insertExampleRows(database);
    const { rows, total } = await listAssets(database, { readable: 'all', ...filter }, WHOLE);
    expect(total).toBe(rows.length);
    return rows.map((row) => row.name);
  };

  const cases: readonly (readonly [rule: string, filter: Partial<AssetFilter>, expected: readonly string[]])[] = [
    ['shows every asset', {}, ['customer_master', 'warehouse', 'unused']],
    ['leaves out assets that no dag refers to', { onlyActive: true }, ['customer_master', 'warehouse']],
    ['shows assets of dags that the caller may read', { readable: ['profiles'] }, ['customer_master']],
    ['shows nothing to somebody who may read nothing', { readable: [] }, []],
    ['finds a name', { namePattern: 'MASTER' }, ['customer_master']],
    ['finds the beginning of a name', { namePrefixPattern: 'ware' }, ['warehouse']],
    ['finds a uri', { uriPattern: 'S3:' }, ['warehouse']],
    ['finds the beginning of a uri without its last signs', { uriPrefixPattern: 's3://' }, ['warehouse']],
    ['shows assets of some dags', { dagIds: ['orders'] }, ['warehouse']],
  ];

  test.each(cases)('%s', async (_rule, filter, expected) => {
    expect(await namesOf(filter)).toEqual(expected);
  });

  test.each(NAMES_OF_ORDERS)('orders by %s', async (attribute) => {
    const database = await open();
    await insertExampleRows(database);
    const { rows } = await listAssets(database, { readable: 'all' }, WHOLE, [{ attribute, descending: true }]);
    expect(rows).toHaveLength(3);
  });

  test('finds an asset with what refers to it and its newest event', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await findAsset(database, 1, 'all')).toMatchObject({
      name: 'customer_master',
      extra: { owner: 'crm' },
      scheduledDags: [{ dagId: 'profiles' }],
      producingTasks: [],
      lastEvent: { id: 1, occurredAt: EXAMPLE_NOW - HOUR },
    });
    expect(await findAsset(database, 2, ['profiles'])).toBeUndefined();
    expect((await findAsset(database, 3, 'all'))?.lastEvent).toBeNull();
  });

  test('takes an asset that only a stale dag refers to for one without a dag', async () => {
    const database = await open();
    await insertExampleRows(database);
    await insertRows(database, 'dag_schedule_asset', [{ dag_id: 'gone', asset_id: 3 }]);
    const { rows } = await listAssets(database, { readable: 'all', onlyActive: true }, WHOLE);
    expect(rows.map((row) => row.name)).toEqual(['customer_master', 'warehouse']);
  });

  test('names of what refers to an asset only dags that the caller may read', async () => {
    const database = await open();
    await insertExampleRows(database);
    await insertRows(database, 'task_outlet_asset', [{ dag_id: 'nightly', task_id: 'extract', asset_id: 1 }]);
    expect((await findAsset(database, 1, ['profiles']))?.producingTasks).toEqual([]);
  });

  const keysOf = async (filter: Partial<AssetEventFilter>): Promise<readonly string[]> => {
    const database = await open();
    await insertExampleRows(database);
    const { rows, total } = await listAssetEvents(database, { readable: 'all', ...filter }, WHOLE);
    expect(total).toBe(rows.length);
    return rows.map((row) => row.eventKey);
  };

  const eventCases: readonly (readonly [rule: string, filter: Partial<AssetEventFilter>, expected: readonly string[]])[] = [
    ['shows every event', {}, ['key-inbox', 'key-task']],
    ['shows events that started a dag of the caller', { readable: ['profiles'] }, ['key-inbox']],
    ['shows events that a dag of the caller emitted', { readable: ['orders'] }, ['key-task']],
    ['shows no event of strangers', { readable: ['nightly'] }, []],
    ['shows no event to somebody who may read nothing', { readable: [] }, []],
    ['finds an asset', { assetId: 2 }, ['key-task']],
    ['finds an asset by its name', { namePattern: 'custom' }, ['key-inbox']],
    ['finds the task behind an event', { sourceDagId: 'orders', sourceTaskId: 'load', sourceMapIndex: -1 }, ['key-task']],
    ['finds the run behind an event', { sourceRunId: 'scheduled__2026-11-21T09:00:00+00:00' }, ['key-task']],
    ['finds a time', { timestamp: { gt: EXAMPLE_NOW - 2 * HOUR } }, ['key-inbox']],
    ['finds the events that started a run', { dagRunId: RUN_IDS.profilesRun }, ['key-inbox']],
  ];

  test.each(eventCases)('%s', async (_rule, filter, expected) => {
    expect(await keysOf(filter)).toEqual(expected);
  });

  test.each(NAMES_OF_EVENT_ORDERS)('orders events by %s', async (attribute) => {
    const database = await open();
    await insertExampleRows(database);
    const { rows } = await listAssetEvents(database, { readable: 'all' }, WHOLE, [{ attribute, descending: true }]);
    expect(rows).toHaveLength(2);
  });

  test('shows an event with its message and the runs that it started', async () => {
    const database = await open();
    await insertExampleRows(database);
    const { rows } = await listAssetEvents(database, { readable: 'all' }, WHOLE);
    expect(rows).toMatchObject([
      {
        message: { id: 'e-1', source: '/tradewind/customers/customer_master' },
        extra: { total: 3 },
        createdRuns: [{ dagId: 'profiles', state: 'success' }],
      },
      { message: null, extra: null, createdRuns: [] },
    ]);
  });
});
