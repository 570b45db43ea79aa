import { expect, test } from 'vitest';
import { defineStatement, type SqlValue, type Statement } from './database.ts';
import { describeDatabases } from './testing/describe-databases.ts';

const createNotes: Statement<never> = {
  name: 'test_create_note',
  text: () => 'create table if not exists note (id bigint primary key, words text not null)',
  values: [],
};
const insertNote = defineStatement<{ id: number }, [id: number, words: string | null]>(
  'test_insert_note',
  () => 'insert into note (id, words) values ($1, $2) returning id',
  (id, words) => [id, words],
);
const readNotes = defineStatement<{ id: number; words: string }, []>(
  'test_read_notes',
  () => 'select id, words from note order by id',
  () => [],
);
const countNotes = defineStatement<{ total: number }, []>(
  'test_count_notes',
  () => 'select count(*) as total from note',
  () => [],
);
const insertNotes = defineStatement<{ id: number }, [notes: readonly { readonly id: number; readonly words: string | null }[]]>(
  'test_insert_notes',
  (d) =>
    `insert into note (id, words) select list.id, list.words from ${d.rows('$1', 'list', { id: 'bigint', words: 'text' })} returning id`,
  (notes) => [JSON.stringify(notes)],
);
const echo = defineStatement<{ value: SqlValue }, [value: string]>(
  'test_echo',
  () => 'select cast($1 as text) as value',
  (value) => [value],
);

describeDatabases(
  'a batch',
  (open) => {
    test('returns the rows of each statement in order', async () => {
      const database = await open();
      await database.batch([createNotes]);
      const [inserted, notes, counted] = await database.batch([insertNote(1, 'a'), readNotes(), countNotes()]);
      expect({ inserted, notes, counted }).toEqual({ inserted: [{ id: 1 }], notes: [{ id: 1, words: 'a' }], counted: [{ total: 1 }] });
    });

    test('changes nothing where its last statement fails', async () => {
      const database = await open();
      await database.batch([createNotes]);
      await expect(database.batch([insertNote(1, 'a'), insertNote(2, null)])).rejects.toThrow(/not.null/i);
      expect(await database.batch([readNotes()])).toEqual([[]]);
    });

    test('changes nothing where its first statement fails', async () => {
      const database = await open();
      await database.batch([createNotes]);
      await expect(database.batch([insertNote(1, null), insertNote(2, 'b')])).rejects.toThrow(/not.null/i);
      expect(await database.batch([readNotes()])).toEqual([[]]);
    });

    test('reports the first failure and not what followed from it', async () => {
      const database = await open();
      await database.batch([createNotes]);
      const duplicate = database.batch([insertNote(1, 'a'), insertNote(1, 'b'), insertNote(2, null)]);
      await expect(duplicate).rejects.toThrow(/unique/i);
    });

    test('works after one that failed', async () => {
      const database = await open();
      await database.batch([createNotes]);
      await database.batch([insertNote(1, null)]).catch(() => {});
      await database.batch([insertNote(1, 'a')]);
      expect(await database.batch([countNotes()])).toEqual([[{ total: 1 }]]);
    });

    test.each([
      [2, []],
      [3, [{ total: 3 }]],
      [0, [{ total: 3 }]],
    ])('leaves out what is needless after %i rows of those named, and nothing else', async (rows, counted) => {
      const database = await open();
      await database.batch([createNotes]);
      const needless = { ...countNotes(), needlessAfter: { names: ['test_insert_notes', 'test_read_notes'], rows } };
      const two = insertNotes([
        { id: 1, words: 'a' },
        { id: 2, words: 'b' },
      ]);
      expect(await database.batch([two, insertNote(3, 'c'), needless, readNotes(), echo('after')])).toEqual([
        [{ id: 1 }, { id: 2 }],
        [{ id: 3 }],
        counted,
        [
          { id: 1, words: 'a' },
          { id: 2, words: 'b' },
          { id: 3, words: 'c' },
        ],
        [{ value: 'after' }],
      ]);
    });

    test('of no statements is nothing', async () => {
      const database = await open();
      expect(await database.batch([])).toEqual([]);
    });

    test('gives 64-bit numbers back as numbers', async () => {
      const database = await open();
      await database.batch([createNotes]);
      const large = 9_007_199_254_740_991;
      const [inserted, counted] = await database.batch([insertNote(large, 'x'), countNotes()]);
      expect([inserted[0]?.id, counted[0]?.total]).toEqual([large, 1]);
      const read = await database.reads
        .selectFrom('dag')
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirst();
      expect(read).toEqual({ total: 0 });
    });

    test('binds lists, with null, quotes and every plane of Unicode', async () => {
      const database = await open();
      await database.batch([createNotes]);
      const notes = [
        { id: 1, words: `it's "quoted" \\ and \n broken` },
        { id: 2, words: '漢字 🜂' },
        { id: 3_000_000_000, words: '' },
      ];
      await database.batch([insertNotes(notes)]);
      expect(await database.batch([readNotes()])).toEqual([notes]);
      await expect(database.batch([insertNotes([{ id: 4, words: null }])])).rejects.toThrow(/not.null/i);
    });

    test('of an empty list changes nothing', async () => {
      const database = await open();
      await database.batch([createNotes]);
      expect(await database.batch([insertNotes([])])).toEqual([[]]);
    });

    test('never runs what stands in a value', async () => {
      const database = await open();
      const text = `'; drop table dag; --`;
      expect(await database.batch([echo(text)])).toEqual([[{ value: text }]]);
    });

    test('keeps concurrent transactions apart', async () => {
      const [one, two] = [await open(), await open()];
      await one.batch([createNotes]);
      // Each batch is refused as a whole, because its last row is there already; were they mixed, some rows would stay.
      await one.batch([insertNote(1_000, 'there')]);
      const refused = Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? one : two).batch([insertNote(index, 'a'), insertNote(index + 100, 'b'), insertNote(1_000, 'c')]),
      );
      const accepted = Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? two : one).batch([insertNote(index + 200, 'a'), insertNote(index + 300, 'b'), countNotes()]),
      );
      const outcomes = await Promise.allSettled([...refused, ...accepted]);
      expect(outcomes.map(({ status }) => status)).toEqual([...refused.map(() => 'rejected'), ...accepted.map(() => 'fulfilled')]);
      expect(await one.batch([countNotes()])).toEqual([[{ total: 41 }]]);
    });

    test('is seen by the reads once it is committed', async () => {
      const database = await open();
      expect(await database.reads.selectFrom('importError').select(['path', 'columnNumber', 'createdAt']).execute()).toEqual([]);
      await database.batch([
        {
          name: 'test_insert_import_error',
          text: () => `insert into import_error (path, message, column_number, created_at) values ('a.ts', 'broken', 7, 1790000000000)`,
          values: [],
        },
      ]);
      expect(await database.reads.selectFrom('importError').select(['path', 'columnNumber', 'createdAt']).execute()).toEqual([
        { path: 'a.ts', columnNumber: 7, createdAt: 1_790_000_000_000 },
      ]);
    });

    test('may be closed twice', async () => {
      const database = await open();
      await database.close();
      await database.close();
    });
  },
  { sqliteFile: true },
);
