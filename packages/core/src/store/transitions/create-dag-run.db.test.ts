import { expect, test } from 'vitest';
import { findDagRun } from '../reads/dag-runs.ts';
import { listTaskInstances } from '../reads/task-instances.ts';
import { VERSION_IDS } from '../reads/testing/example-dags.ts';
import { insertExampleRows } from '../reads/testing/example-rows.ts';
import { EXAMPLE_NOW, HOUR } from '../reads/testing/example-time.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { createDagRun, type NewDagRun } from './create-dag-run.ts';

const RUN: NewDagRun = {
  id: '019a0000-0000-7000-8000-000000000901',
  dagId: 'orders',
  runId: 'manual__new',
  triggeredBy: 'rest_api',
  triggeringUser: 'ada',
  conf: '{"region":"us"}',
  note: 'again',
  logicalAt: null,
  intervalStartAt: null,
  intervalEndAt: null,
  runAfterAt: EXAMPLE_NOW,
  dagVersionId: VERSION_IDS.ordersVersion2,
};

describeDatabases('createDagRun', (open) => {
  test('creates a queued run on the current version, without task instances', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await createDagRun(database, RUN, EXAMPLE_NOW)).toEqual({ outcome: 'created' });
    expect(await findDagRun(database, 'orders', 'manual__new')).toMatchObject({
      id: RUN.id,
      state: 'queued',
      runType: 'manual',
      conf: { region: 'us' },
      queuedAt: EXAMPLE_NOW,
      startedAt: null,
      bundleVersion: 'bundle-2',
      dagVersion: { id: VERSION_IDS.ordersVersion2 },
    });
    const filter = { readable: 'all', dagId: 'orders', runId: 'manual__new' } as const;
    expect((await listTaskInstances(database, filter, { limit: 1, offset: 0 })).total).toBe(0);
  });

  test('says that the run id is taken', async () => {
    const database = await open();
    await insertExampleRows(database);
    const result = await createDagRun(database, { ...RUN, runId: 'manual__1' }, EXAMPLE_NOW);
    expect(result).toEqual({ outcome: 'already_exists', taken: 'run_id', runId: 'manual__1' });
  });

  test('says which run has the logical date already', async () => {
    const database = await open();
    await insertExampleRows(database);
    const result = await createDagRun(database, { ...RUN, logicalAt: EXAMPLE_NOW - 3 * HOUR }, EXAMPLE_NOW);
    expect(result).toEqual({ outcome: 'already_exists', taken: 'logical_date', runId: 'scheduled__2026-11-21T09:00:00+00:00' });
  });

  test('allows any number of runs without a logical date', async () => {
    const database = await open();
    await insertExampleRows(database);
    await createDagRun(database, RUN, EXAMPLE_NOW);
    const second = { ...RUN, id: '019a0000-0000-7000-8000-000000000902', runId: 'manual__other' };
    expect(await createDagRun(database, second, EXAMPLE_NOW)).toEqual({ outcome: 'created' });
  });

  test('lets one of two win that ask for the same run at once', async () => {
    const [first, second] = [await open(), await open()];
    await insertExampleRows(first);
    const ids = ['019a0000-0000-7000-8000-000000000911', '019a0000-0000-7000-8000-000000000912'] as const;
    const results = await Promise.all([
      createDagRun(first, { ...RUN, id: ids[0] }, EXAMPLE_NOW),
      createDagRun(second, { ...RUN, id: ids[1] }, EXAMPLE_NOW),
    ]);
    expect(results.map(({ outcome }) => outcome).toSorted()).toEqual(['already_exists', 'created']);
  });

  test.each([
    ['an unknown dag', { dagId: 'no-such-dag' }, 'unknown_dag'],
    ['a dag that no file defines any more', { dagId: 'gone', dagVersionId: VERSION_IDS.goneVersion }, 'stale_dag'],
    ['a dag whose file is broken', { dagId: 'broken', dagVersionId: VERSION_IDS.brokenVersion }, 'import_errors'],
    ['a dag that changed since the caller looked', { dagVersionId: VERSION_IDS.ordersVersion1 }, 'dag_changed'],
  ])('creates nothing for %s', async (_what, change, outcome) => {
    const database = await open();
    await insertExampleRows(database);
    const run = { ...RUN, ...change };
    expect(await createDagRun(database, run, EXAMPLE_NOW)).toEqual({ outcome });
    expect(await findDagRun(database, run.dagId, run.runId)).toBeUndefined();
  });

  test('creates a run of a paused dag, which waits', async () => {
    const database = await open();
    await insertExampleRows(database);
    const run = { ...RUN, dagId: 'nightly', dagVersionId: VERSION_IDS.nightlyVersion };
    expect(await createDagRun(database, run, EXAMPLE_NOW)).toEqual({ outcome: 'created' });
  });
});
