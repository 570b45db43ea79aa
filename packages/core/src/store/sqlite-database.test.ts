import { writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { defineStatement, type Statement } from './database.ts';
import { openSqlite } from './sqlite-database.ts';
import { temporaryFile } from './testing/temporary-file.ts';

const file = temporaryFile();
const plain = (name: string, text: string): Statement<Record<string, number>> => ({ name, text: () => text, values: [] });
const insert = defineStatement<never, [words: string]>(
  'test_insert',
  () => 'insert into note (words) values ($1)',
  (words) => [words],
);
const count = plain('test_count', 'select count(*) as total from note');

test('a full disk is database_full, loses nothing, and is over when there is room again', async () => {
  const database = openSqlite({ file: await file(), now: () => 0 });
  await database.batch([plain('test_create', 'create table note (id integer primary key, words text not null)'), insert('kept')]);
  const [[pages]] = await database.batch([plain('test_pages', 'pragma page_count')]);
  await database.batch([plain('test_limit', `pragma max_page_count = ${pages?.['page_count']}`)]);
  const large = 'x'.repeat(100_000);
  await expect(database.batch([insert(large)])).rejects.toMatchObject({ code: 'database_full' });
  await expect(database.batch([insert('small'), insert(large)])).rejects.toMatchObject({ code: 'database_full' });
  expect(await database.batch([count])).toEqual([[{ total: 1 }]]);
  await database.batch([plain('test_unlimit', 'pragma max_page_count = 100000')]);
  await database.batch([insert('small'), insert(large)]);
  expect(await database.batch([count])).toEqual([[{ total: 3 }]]);
  await database.close();
});

test('a commit waits for the disk and readers never block it', async () => {
  const path = await file();
  const database = openSqlite({ file: path, now: () => 0 });
  const settings = await database.batch([plain('test_journal', 'pragma journal_mode'), plain('test_synchronous', 'pragma synchronous')]);
  expect(settings).toEqual([[{ journal_mode: 'wal' }], [{ synchronous: 2 }]]);
  await database.batch([plain('test_create', 'create table note (id integer primary key, words text not null)')]);
  const reader = new DatabaseSync(path, { readOnly: true });
  reader.exec('begin; select * from note');
  await database.batch([insert('written while somebody reads')]);
  reader.close();
  await database.close();
});

test('leases use the clock that it was given', async () => {
  let now = 5;
  const database = openSqlite({ file: ':memory:', now: () => now });
  const read = defineStatement<{ now: number }, []>(
    'test_now',
    (d) => `select ${d.databaseNow} as now`,
    () => [],
  );
  expect(await database.batch([read()])).toEqual([[{ now: 5 }]]);
  now = 1_790_000_000_000;
  expect(await database.batch([read()])).toEqual([[{ now }]]);
  await database.close();
});

test('a file that is no database is refused with its path', async () => {
  const path = await file();
  await writeFile(
    path,
    'this is a text and no database, long enough to have a header of a hundred bytes, which is what SQLite looks at first',
  );
  expect(() => openSqlite({ file: path, now: () => 0 })).toThrow(
    expect.objectContaining({ code: 'database_unavailable', message: expect.stringContaining(path) as string }),
  );
});

test('a folder that does not exist is refused with its path', () => {
  expect(() => openSqlite({ file: '/nowhere/at/all.sqlite', now: () => 0 })).toThrow(
    expect.objectContaining({ code: 'database_unavailable', message: expect.stringContaining('/nowhere/at/all.sqlite') as string }),
  );
});
