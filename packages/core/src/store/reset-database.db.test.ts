import { expect, test } from 'vitest';
import type { Statement } from './database.ts';
import { schemaStatus } from './migrate.ts';
import { resetDatabase } from './reset-database.ts';
import { describeDatabases } from './testing/describe-databases.ts';
import { serializedTask } from './testing/serialized-dag.ts';
import { storeDag, storeRun } from './testing/stored-run.ts';

const plain = (text: string): Statement<{ id: number }> => ({ name: `test_${text.replaceAll(/\W+/g, '_')}`, text: () => text, values: [] });

describeDatabases('resetDatabase', (open) => {
  test('makes every table anew, and leaves those of others', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, [serializedTask('a')]), instances: { a: 'running' } });
    await database.batch([plain('create table someone_elses (id bigint)'), plain('insert into someone_elses (id) values (1)')]);
    const before = await schemaStatus(database);
    expect(await resetDatabase(database, 1)).toBeGreaterThan(20);
    expect(await schemaStatus(database)).toEqual(before);
    expect(await database.reads.selectFrom('dagRun').select('id').execute()).toEqual([]);
    expect(await database.reads.selectFrom('pool').select('name').execute()).toEqual([{ name: 'default_pool' }]);
    expect(await database.batch([plain('select id from someone_elses')])).toEqual([[{ id: 1 }]]);
    await database.batch([plain('drop table someone_elses')]);
  });
});
