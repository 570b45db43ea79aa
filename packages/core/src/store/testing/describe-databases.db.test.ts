import { expect, test } from 'vitest';
import type { Statement } from '../database.ts';
import { describeDatabases } from './describe-databases.ts';

const insertJob: Statement<{ id: number }> = {
  name: 'test_insert_job',
  text: () =>
    `insert into job (kind, hostname, pid, started_at, heartbeat_at, expires_at) values ('scheduler', 'a', 1, 0, 0, 0) returning id`,
  values: [],
};

describeDatabases(
  'describeDatabases',
  (open) => {
    test.each([1, 2, 3])('gives test %i an empty database whose ids start at 1', async () => {
      const database = await open();
      expect(await database.reads.selectFrom('job').selectAll().execute()).toEqual([]);
      expect(await database.batch([insertJob])).toEqual([[{ id: 1 }]]);
    });

    test('gives a test that opens twice the same rows twice', async () => {
      const [one, two] = [await open(), await open()];
      await one.batch([insertJob]);
      expect(await two.reads.selectFrom('job').select('id').execute()).toEqual([{ id: 1 }]);
    });
  },
  { sqliteFile: true },
);
