import { expect, test } from 'vitest';
import { describeDatabases } from '../testing/describe-databases.ts';
import { findDagVersion, listDagVersions, type DagVersionFilter } from './dag-versions.ts';
import { insertExampleRows } from './testing/example-rows.ts';

const PAGE = { limit: 100, offset: 0 };

describeDatabases('versions of dags', (open) => {
  test.each<[string, Partial<DagVersionFilter>, string[]]>([
    ['of one dag', { dagId: 'orders' }, ['orders 2', 'orders 1']],
    ['with one number', { dagId: 'orders', versionNumber: 1 }, ['orders 1']],
    ['before a number', { dagId: 'orders', belowNumber: 2 }, ['orders 1']],
    ['of one bundle version', { bundleVersion: 'bundle-2' }, ['orders 2']],
    ['of a bundle that there is not', { bundleName: 'team' }, []],
    ['of dags that the caller may read', { readable: ['profiles'] }, ['profiles 1']],
  ])('are listed: %s', async (_what, filter, expected) => {
    const database = await open();
    await insertExampleRows(database);
    const order = [{ attribute: 'version_number', descending: true }];
    const { rows, total } = await listDagVersions(database, { readable: 'all', ...filter }, PAGE, order);
    expect(rows.map(({ dagId, versionNumber }) => `${dagId} ${versionNumber}`)).toEqual(expected);
    expect(total).toBe(expected.length);
  });

  test('say whether the dag is on them and how many runs are', async () => {
    const database = await open();
    await insertExampleRows(database);
    const { rows } = await listDagVersions(database, { readable: 'all', dagId: 'orders' }, PAGE, [
      { attribute: 'version_number', descending: false },
    ]);
    const [counted] = await database.reads
      .selectFrom('dagRun')
      .select(({ fn }) => fn.countAll<number>().as('runs'))
      .where('dagId', '=', 'orders')
      .execute();
    expect(rows.map(({ isCurrent }) => isCurrent)).toEqual([false, true]);
    expect(rows.reduce((sum, { runs }) => sum + runs, 0)).toBe(Number(counted?.runs));
  });

  test('are found by number, the current one without', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect((await findDagVersion(database, 'orders'))?.version.versionNumber).toBe(2);
    expect(await findDagVersion(database, 'orders', 1)).toMatchObject({ version: { versionNumber: 1 }, dag: { dagId: 'orders' } });
    expect(await findDagVersion(database, 'orders', 3)).toBeUndefined();
  });
});
