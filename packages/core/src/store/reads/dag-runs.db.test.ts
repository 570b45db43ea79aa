import { expect, test } from 'vitest';
import { describeDatabases } from '../testing/describe-databases.ts';
import { DAG_RUN_ORDER, findDagRun, listDagRuns, listRecentDagRuns, type DagRunFilter } from './dag-runs.ts';
import type { OrderBy, Page } from './query-parts.ts';
import { insertExampleRows } from './testing/example-rows.ts';
import { RUN_IDS } from './testing/example-runs.ts';
import { EXAMPLE_NOW, HOUR } from './testing/example-time.ts';

const WHOLE: Page = { limit: 100, offset: 0 };
const { ordersSuccess, ordersFailed, ordersRunning, ordersQueued, profilesRun, nightlyRun } = RUN_IDS;
const NAMES_OF_ORDERS = Object.keys(DAG_RUN_ORDER) as (keyof typeof DAG_RUN_ORDER)[];

describeDatabases('dag runs', (open) => {
  const idsOf = async (filter: Partial<DagRunFilter>, orderBy: readonly OrderBy[] = []): Promise<readonly string[]> => {
    const database = await open();
    await insertExampleRows(database);
    const { rows, total } = await listDagRuns(database, { readable: 'all', ...filter }, WHOLE, orderBy);
    expect(total).toBe(rows.length);
    return rows.map((row) => row.id);
  };

  const cases: readonly (readonly [rule: string, filter: Partial<DagRunFilter>, expected: readonly string[]])[] = [
    ['shows every run, oldest first', {}, [ordersSuccess, ordersFailed, ordersRunning, ordersQueued, profilesRun, nightlyRun]],
    ['shows runs of one dag', { dagId: 'profiles' }, [profilesRun]],
    ['shows only runs of dags that the caller may read', { readable: ['profiles', 'nightly'] }, [profilesRun, nightlyRun]],
    ['shows nothing where the dag is not one that the caller may read', { readable: ['profiles'], dagId: 'orders' }, []],
    ['finds dags by a pattern', { dagIdPattern: 'PROF|night' }, [profilesRun, nightlyRun]],
    ['finds dags by a prefix', { dagIdPrefixPattern: 'night' }, [nightlyRun]],
    ['finds run ids by a pattern', { runIdPattern: 'triggered' }, [profilesRun]],
    ['takes a wildcard after a backslash in a pattern as itself', { runIdPattern: 'manual\\_\\_1' }, [ordersFailed, nightlyRun]],
    ['finds run ids by a prefix', { runIdPrefixPattern: 'scheduled__' }, [ordersSuccess]],
    ['finds who asked for a run', { triggeringUserPattern: 'AD' }, [ordersFailed, ordersQueued]],
    ['finds who asked for a run by a prefix', { triggeringUserPrefixPattern: 'adm' }, [ordersQueued]],
    ['finds a part of a conf', { confContains: '"region":"us"' }, [ordersFailed]],
    ['shows runs in some states', { states: ['failed', 'running'] }, [ordersFailed, ordersRunning]],
    ['takes an empty list of states as none wanted', { states: [], dagId: 'profiles' }, [profilesRun]],
    ['shows runs of some types', { runTypes: ['scheduled', 'asset_triggered'] }, [ordersSuccess, profilesRun]],
    ['shows runs on a version of their dag', { dagVersionNumbers: [2] }, [ordersFailed, ordersRunning, ordersQueued]],
    ['shows runs at a bundle version', { bundleVersion: 'bundle-1' }, [ordersSuccess, profilesRun, nightlyRun]],
    ['counts the lower bound in with gte', { runAfter: { gte: EXAMPLE_NOW } }, [ordersQueued]],
    ['leaves the lower bound out with gt', { runAfter: { gt: EXAMPLE_NOW } }, []],
    ['counts the upper bound in with lte', { runAfter: { lte: EXAMPLE_NOW - 4 * HOUR } }, [nightlyRun]],
    ['leaves the upper bound out with lt', { runAfter: { lt: EXAMPLE_NOW - 4 * HOUR } }, []],
    ['finds logical dates, of which most runs have none', { logicalDate: { lte: EXAMPLE_NOW } }, [ordersSuccess]],
    ['finds starts', { startDate: { gt: EXAMPLE_NOW - HOUR } }, [ordersRunning]],
    ['finds ends', { endDate: { gte: EXAMPLE_NOW - HOUR } }, [profilesRun]],
    ['finds durations in seconds', { duration: { gt: 3.9, lt: 4.1 } }, [ordersSuccess]],
  ];

  test.each(cases)('%s', async (_rule, filter, expected) => {
    expect(await idsOf(filter)).toEqual(expected);
  });

  test.each(NAMES_OF_ORDERS)('orders by %s', async (attribute) => {
    expect(await idsOf({}, [{ attribute, descending: true }])).toHaveLength(6);
  });

  test('orders by several criteria, and by the id where they are equal', async () => {
    const orderBy = [
      { attribute: 'dag_id', descending: true },
      { attribute: 'run_after', descending: true },
    ];
    expect(await idsOf({}, orderBy)).toEqual([profilesRun, ordersQueued, ordersRunning, ordersFailed, ordersSuccess, nightlyRun]);
  });

  test('finds a run with the version that it is on', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await findDagRun(database, 'orders', 'manual__1')).toMatchObject({
      id: ordersFailed,
      dagDisplayName: 'Orders',
      conf: { region: 'us' },
      dagVersion: { versionNumber: 2, bundleVersion: 'bundle-2' },
    });
    expect(await findDagRun(database, 'profiles', 'manual__1')).toBeUndefined();
  });

  test('lists the newest runs of several dags, newest first, as many as asked for', async () => {
    const database = await open();
    await insertExampleRows(database);
    const runs = await listRecentDagRuns(database, ['orders', 'profiles', 'broken'], 2);
    expect(runs.get('orders')?.map((run) => run.runId)).toEqual(['manual__3', 'manual__2']);
    expect(runs.get('profiles')?.map((run) => run.state)).toEqual(['success']);
    expect(runs.has('broken')).toBe(false);
    expect(await listRecentDagRuns(database, [], 2)).toEqual(new Map());
  });
});
