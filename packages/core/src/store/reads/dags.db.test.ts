import { describe, expect, test } from 'vitest';
import { describeDatabases } from '../testing/describe-databases.ts';
import { DAG_ORDER, findDag, findDagDefinition, listDags, type DagFilter } from './dags.ts';
import type { OrderBy, Page } from './query-parts.ts';
import { EXAMPLE_ORDERS, VERSION_IDS } from './testing/example-dags.ts';
import { insertExampleRows } from './testing/example-rows.ts';

const WHOLE: Page = { limit: 100, offset: 0 };
const NAMES_OF_ORDERS = Object.keys(DAG_ORDER) as (keyof typeof DAG_ORDER)[];

describeDatabases('dags', (open) => {
  const idsOf = async (filter: Partial<DagFilter>, page: Page = WHOLE, orderBy: readonly OrderBy[] = []): Promise<readonly string[]> => {
    const database = await open();
    await insertExampleRows(database);
    const { rows } = await listDags(database, { readable: 'all', ...filter }, page, orderBy);
    return rows.map((row) => row.dagId);
  };

  describe('listDags', () => {
    const cases: readonly (readonly [rule: string, filter: Partial<DagFilter>, expected: readonly string[]])[] = [
      ['shows every dag where nothing narrows it', {}, ['broken', 'gone', 'nightly', 'orders', 'profiles']],
      ['leaves out stale dags where asked', { excludeStale: true }, ['broken', 'nightly', 'orders', 'profiles']],
      ['shows only dags that the caller may read', { readable: ['orders', 'no-such-dag'] }, ['orders']],
      ['shows nothing to somebody who may read nothing', { readable: [] }, []],
      ['finds a part of an id whatever its case', { dagIdPattern: 'ORD' }, ['orders']],
      ['takes % and _ in a pattern as wildcards', { dagIdPattern: 'n_ght%y' }, ['nightly']],
      ['takes | in a pattern as "or"', { dagIdPattern: 'ord|gon' }, ['gone', 'orders']],
      ['takes ~ alone as everything', { dagIdPattern: '~', excludeStale: true }, ['broken', 'nightly', 'orders', 'profiles']],
      ['finds the beginning of an id', { dagIdPrefixPattern: 'pro' }, ['profiles']],
      ['minds the case of a prefix', { dagIdPrefixPattern: 'Pro' }, []],
      ['takes % in a prefix as itself', { dagIdPrefixPattern: 'p%r' }, []],
      ['leaves out the last characters of a prefix that are no letters', { dagIdPrefixPattern: 'profiles_' }, ['profiles']],
      ['finds the id where there is no display name', { displayNamePattern: 'profiles' }, ['profiles']],
      ['finds a display name', { displayNamePrefixPattern: 'Orders' }, ['orders']],
      ['shows paused dags', { isPaused: true }, ['nightly']],
      ['shows dags that are on', { isPaused: false, excludeStale: true }, ['broken', 'orders', 'profiles']],
      ['shows dags whose file is broken', { hasImportErrors: true }, ['broken']],
      ['shows dags whose file is sound', { hasImportErrors: false, excludeStale: true }, ['nightly', 'orders', 'profiles']],
      ['shows dags that assets start', { hasAssetSchedule: true }, ['profiles']],
      ['shows dags that one asset starts', { assetDependency: 'customer_master' }, ['profiles']],
      ['shows no dag for an asset that starts none', { assetDependency: 'warehouse' }, []],
      ['shows dags of an owner', { owners: ['sales', 'nobody'] }, ['orders']],
      ['shows dags with any of the tags', { tags: ['etl', 'other'] }, ['orders', 'profiles']],
      ['shows dags with every one of the tags', { tags: ['etl', 'daily "hot"'], tagsMatchMode: 'all' }, ['orders']],
      ['takes a tag as a whole', { tags: ['et'] }, []],
      ['shows dags at a bundle version', { bundleVersion: 'bundle-2' }, ['orders']],
      ['shows dags by the state of their newest run', { lastRunState: 'queued' }, ['orders']],
    ];

    test.each(cases)('%s', async (_rule, filter, expected) => {
      expect(await idsOf(filter)).toEqual(expected);
    });

    test('cuts pages that do not overlap and counts them all', async () => {
      const database = await open();
      await insertExampleRows(database);
      const first = await listDags(database, { readable: 'all' }, { limit: 2, offset: 0 });
      const second = await listDags(database, { readable: 'all' }, { limit: 2, offset: 2 });
      expect([...first.rows, ...second.rows].map((row) => row.dagId)).toEqual(['broken', 'gone', 'nightly', 'orders']);
      expect([first.total, second.total]).toEqual([5, 5]);
    });

    test('puts missing values last in either direction', async () => {
      const byNextRun = (descending: boolean) => idsOf({}, WHOLE, [{ attribute: 'next_dagrun', descending }]);
      expect((await byNextRun(false)).slice(0, 2)).toEqual(['orders', 'nightly']);
    });

    test('puts missing values last going down, too', async () => {
      expect((await idsOf({}, WHOLE, [{ attribute: 'next_dagrun', descending: true }])).slice(0, 2)).toEqual(['nightly', 'orders']);
    });

    test.each(NAMES_OF_ORDERS)('orders by %s', async (attribute) => {
      expect(await idsOf({}, WHOLE, [{ attribute, descending: true }])).toHaveLength(5);
    });
  });

  test('findDag reads what lists show', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await findDag(database, 'orders')).toMatchObject({
      displayName: 'Orders',
      isPaused: false,
      isStale: false,
      hasImportErrors: false,
      tags: EXAMPLE_ORDERS.tags,
      schedule: EXAMPLE_ORDERS.schedule,
      dagVersionId: VERSION_IDS.ordersVersion2,
    });
    expect(await findDag(database, 'no-such-dag')).toBeUndefined();
  });

  test('findDagDefinition reads the current version, or the one that is named', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await findDagDefinition(database, 'orders')).toEqual(EXAMPLE_ORDERS);
    expect(await findDagDefinition(database, 'orders', VERSION_IDS.ordersVersion1)).toEqual(EXAMPLE_ORDERS);
    expect(await findDagDefinition(database, 'orders', VERSION_IDS.goneVersion)).toBeUndefined();
    expect(await findDagDefinition(database, 'no-such-dag')).toBeUndefined();
  });
});
