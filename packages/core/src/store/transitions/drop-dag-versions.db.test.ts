import { expect, test } from 'vitest';
import { selectBundleVersionsInUse } from '../active-runs.ts';
import { defineStatement } from '../database.ts';
import { EXAMPLE_NOW, HOUR } from '../reads/testing/example-time.ts';
import { insertExampleRows } from '../reads/testing/example-rows.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { dropUnusedDagVersions } from './drop-dag-versions.ts';

const addVersions = defineStatement<never, []>(
  'test_add_versions',
  () => `
    insert into dag_version (id, dag_id, version_number, content_hash, bundle_version, serialized, created_at)
    values ('old', 'orders', 8, 'x', 'bundle-8', '{}', 1), ('in_backfill', 'orders', 9, 'x', 'bundle-9', '{}', 1),
      ('young', 'orders', 10, 'x', 'bundle-10', '{}', ${EXAMPLE_NOW})`,
  () => [],
);
const addBackfill = defineStatement<never, []>(
  'test_add_backfill',
  () => `
    insert into backfill (dag_id, from_at, to_at, is_paused, is_backwards, reprocess_behavior, max_active_runs, run_on_latest_version, dag_version_id,
      bundle_version, triggered_by, created_at, updated_at, request_id, completed_at)
    values ('orders', 1, 2, 0, 0, 'none', 1, 0, 'in_backfill', 'bundle-9', 'cli', 1, 1, 'r', 2)`,
  () => [],
);

describeDatabases('dropUnusedDagVersions', (open) => {
  test('drops versions that nothing is on, but not young ones', async () => {
    const database = await open();
    await insertExampleRows(database);
    await database.batch([addVersions(), addBackfill()]);
    const [dropped] = await database.batch([dropUnusedDagVersions(EXAMPLE_NOW - HOUR)]);
    const ids = dropped.map(({ id }) => id);
    expect(ids).toContain('old');
    for (const kept of ['in_backfill', 'young']) expect(ids).not.toContain(kept);
    const used = await database.reads.selectFrom('dagRun').select('dagVersionId').execute();
    expect(ids.filter((id) => used.some((run) => run.dagVersionId === id))).toEqual([]);
    expect((await database.batch([dropUnusedDagVersions(EXAMPLE_NOW - HOUR)]))[0]).toEqual([]);
  });
});

const setRuns = defineStatement<never, []>(
  'test_set_runs',
  () => `
    update dag_run
    set bundle_version = case run_id when 'manual__1' then 'ended-long-ago' else 'ended-lately' end, state = 'success',
      ended_at = case run_id when 'manual__1' then ${EXAMPLE_NOW - 100 * HOUR} else ${EXAMPLE_NOW - HOUR} end`,
  () => [],
);

describeDatabases('selectBundleVersionsInUse', (open) => {
  test('names versions of runs that have not ended or ended lately, and of dags that are on', async () => {
    const database = await open();
    await insertExampleRows(database);
    await database.batch([setRuns()]);
    const versionsSince = async (since: number): Promise<string[]> => {
      const [rows] = await database.batch([selectBundleVersionsInUse(since)]);
      return rows.map(({ bundleVersion }) => bundleVersion).toSorted();
    };
    expect(await versionsSince(EXAMPLE_NOW - 10 * HOUR)).toEqual(['bundle-1', 'bundle-2', 'ended-lately']);
    expect(await versionsSince(0)).toContain('ended-long-ago');
  });
});
