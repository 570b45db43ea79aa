import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReadThread } from './read-thread.ts';

let folder: string;
let file: string;
let reads: Kysely<{ note: { id: number; words: string } }>;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-reads-'));
  file = path.join(folder, 'notes.sqlite');
  reads = new Kysely({ dialect: createReadThread(file) });
});

afterEach(async () => {
  await reads.destroy();
  await rm(folder, { recursive: true, force: true });
});

function createFile(): void {
  const connection = new DatabaseSync(file);
  connection.exec(
    `pragma journal_mode = wal; create table note (id integer primary key, words text); insert into note values (1, 'a'), (2, 'b')`,
  );
  connection.close();
}

const readNotes = (): Promise<unknown[]> => reads.selectFrom('note').selectAll().orderBy('id').execute();

test('answers many queries at once, each with its own rows', async () => {
  createFile();
  const ids = Array.from({ length: 50 }, (_, index) => (index % 2) + 1);
  const answers = await Promise.all(ids.map((id) => reads.selectFrom('note').selectAll().where('id', '=', id).execute()));
  expect(answers.map(([note]) => note?.id)).toEqual(ids);
});

test('a query that is wrong fails alone', async () => {
  createFile();
  const wrong = sql`select * from nowhere`.execute(reads);
  const right = readNotes();
  await expect(wrong).rejects.toThrow(/no such table: nowhere/);
  expect(await right).toHaveLength(2);
});

test('refuses to write', async () => {
  createFile();
  await expect(sql`delete from note`.execute(reads)).rejects.toThrow(/readonly/);
});

test('a thread that died fails what waited for it, and the next query starts another', async () => {
  // Without its file the thread ends as it starts.
  await expect(Promise.allSettled([readNotes(), readNotes()])).resolves.toMatchObject([
    { status: 'rejected', reason: { code: 'database_unavailable' } },
    { status: 'rejected', reason: { code: 'database_unavailable' } },
  ]);
  createFile();
  expect(await readNotes()).toHaveLength(2);
  expect(await readNotes()).toHaveLength(2);
});

test('ending it fails what still waits', async () => {
  createFile();
  const waiting = readNotes();
  const outcome = expect(waiting).rejects.toMatchObject({ code: 'database_unavailable' });
  // The first query starts the thread in a later turn.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  await reads.destroy();
  await outcome;
});
