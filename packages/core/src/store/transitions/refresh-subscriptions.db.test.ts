import { expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { createBindingReader } from '../reads/subscription-bindings.ts';
import { saveDags } from '../testing/asset-fixtures.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { serializedAsset, serializedDag } from '../testing/serialized-dag.ts';

const watcher = (type?: string) => ({ transport: 'sqs' as const, queue: 'q', ...(type === undefined ? {} : { type }) });

const watching = (dagId: string, types: readonly (string | undefined)[], uri = 'a') =>
  serializedDag({ dagId, schedule: { kind: 'asset', any: ['a'] }, assets: [serializedAsset('a', { uri, watchers: types.map(watcher) })] });

async function typesOf(database: Database): Promise<readonly (string | null)[]> {
  return (await createBindingReader(database, 'sqs:q')()).map(({ eventType }) => eventType);
}

describeDatabases('the watchers of an asset', (open) => {
  test('take every type that one of them names', async () => {
    const database = await open();
    await saveDags(database, [watching('one', ['created', 'changed']), watching('two', ['deleted'])]);
    const bindings = await createBindingReader(database, 'sqs:q')();
    expect(bindings.map(({ eventType, dags }) => [eventType, dags.map(({ dagId }) => dagId)])).toEqual([
      ['changed', ['one', 'two']],
      ['created', ['one', 'two']],
      ['deleted', ['one', 'two']],
    ]);
  });

  test('take everything where one of them names no type', async () => {
    const database = await open();
    await saveDags(database, [watching('one', ['created']), watching('two', [undefined])]);
    expect(await typesOf(database)).toEqual([null]);
  });

  test('take what is left when a dag goes or changes its mind', async () => {
    const database = await open();
    await saveDags(database, [watching('one', ['created', 'changed']), watching('two', ['deleted'])]);
    await saveDags(database, [watching('one', ['created']), serializedDag({ dagId: 'two' })], 1);
    expect(await typesOf(database)).toEqual(['created']);
  });

  test('of a dag that describes the asset otherwise than the first do not count', async () => {
    const database = await open();
    await saveDags(database, [watching('one', ['created']), watching('two', ['deleted'], 's3://other')]);
    expect(await typesOf(database)).toEqual(['created']);
  });
});
