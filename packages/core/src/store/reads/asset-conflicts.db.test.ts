import { expect, test } from 'vitest';
import { saveDags } from '../testing/asset-fixtures.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { serializedAsset, serializedDag, serializedTask } from '../testing/serialized-dag.ts';
import { describeAssetConflict, listAssetConflicts, selectOutletConflicts } from './asset-conflicts.ts';

const producerOf = (dagId: string, name: string, uri: string) =>
  serializedDag({ dagId, assets: [serializedAsset(name, { uri })], tasks: [serializedTask('write', { outlets: [name] })] });

const FIRST = producerOf('first', 'orders', 's3://a');

describeDatabases('asset conflicts', (open) => {
  test.each([
    ['the same name with another uri', producerOf('second', 'orders', 's3://b'), 'has the name of asset "orders" (s3://a) of dag "first"'],
    ['the same uri with another name', producerOf('second', 'sales', 's3://a'), 'has the uri of asset "orders" (s3://a) of dag "first"'],
  ])('%s is a conflict of the second, and its task must not start', async (_, second, message) => {
    const database = await open();
    await saveDags(database, [FIRST, second]);
    const [conflict, ...others] = await listAssetConflicts(database, 'all');
    expect(others).toEqual([]);
    expect(conflict).toMatchObject({ dagId: 'second', firstDagId: 'first' });
    expect(conflict === undefined ? '' : describeAssetConflict(conflict)).toContain(message);
    const [outlets] = await database.batch([selectOutletConflicts(['first', 'second'])]);
    expect(outlets.map(({ dagId, taskId }) => `${dagId}.${taskId}`)).toEqual(['second.write']);
    expect(await database.reads.selectFrom('asset').select('uri').where('name', '=', 'orders').execute()).toEqual([{ uri: 's3://a' }]);
  });

  test('the same name and uri are the same asset', async () => {
    const database = await open();
    await saveDags(database, [FIRST, producerOf('second', 'orders', 's3://a')]);
    expect(await listAssetConflicts(database, 'all')).toEqual([]);
  });

  test('ends when the first no longer says so, and the asset is what the second says', async () => {
    const database = await open();
    await saveDags(database, [FIRST, producerOf('second', 'orders', 's3://b')]);
    await saveDags(database, [serializedDag({ dagId: 'first' })], 5);
    expect(await listAssetConflicts(database, 'all')).toEqual([]);
    expect(await database.reads.selectFrom('asset').select('uri').where('name', '=', 'orders').execute()).toEqual([{ uri: 's3://b' }]);
  });

  test('a dag that changes its mind comes last', async () => {
    const database = await open();
    await saveDags(database, [FIRST, producerOf('second', 'orders', 's3://a'), producerOf('first', 'orders', 's3://c')]);
    expect((await listAssetConflicts(database, 'all')).map(({ dagId }) => dagId)).toEqual(['first']);
  });

  test('a caller sees those of dags that he may read', async () => {
    const database = await open();
    await saveDags(database, [FIRST, producerOf('second', 'orders', 's3://b')]);
    expect(await listAssetConflicts(database, ['first'])).toEqual([]);
    expect((await listAssetConflicts(database, ['second'])).length).toBe(1);
  });
});
