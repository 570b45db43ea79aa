import { expect, test } from 'vitest';
import type { Database, Statement } from './database.ts';
import { migrate, SCHEMA_VERSION, schemaStatus } from './migrate.ts';
import { describeDatabases } from './testing/describe-databases.ts';

const now = 1_790_000_000_000;

function migrations(database: Database): Promise<readonly (readonly unknown[])[]> {
  const read: Statement<{ version: number; name: string; appliedAt: number }> = {
    name: 'test_read_migrations',
    text: () => `select version, name, applied_at as "appliedAt" from schema_migration order by version`,
    values: [],
  };
  return database.batch([read]);
}

describeDatabases(
  'migrate',
  (open) => {
    test('brings an empty database to the version of this program', async () => {
      const database = await open();
      expect(await migrate(database, now)).toHaveLength(SCHEMA_VERSION);
      expect(await schemaStatus(database)).toEqual({ version: SCHEMA_VERSION, wanted: SCHEMA_VERSION });
      expect(await database.reads.selectFrom('dag').select('dagId').execute()).toEqual([]);
    });

    test('does nothing the second time', async () => {
      const database = await open();
      await migrate(database, now);
      const before = await migrations(database);
      expect(await migrate(database, now + 1)).toEqual([]);
      expect(await migrations(database)).toEqual(before);
    });

    test('applies each step once where several processes race', async () => {
      const databases = await Promise.all([open(), open(), open(), open()]);
      const applied = await Promise.all(databases.map((database, index) => migrate(database, now + index)));
      expect(applied.flat()).toHaveLength(SCHEMA_VERSION);
      expect((await migrations(await open()))[0]).toHaveLength(SCHEMA_VERSION);
    });

    test('refuses a database that a newer program made', async () => {
      const database = await open();
      await migrate(database, now);
      await database.batch([
        {
          name: 'test_newer_schema',
          text: () => `insert into schema_migration (version, name, applied_at) values (${SCHEMA_VERSION + 1}, 'later', 0)`,
          values: [],
        },
      ]);
      await expect(migrate(database, now)).rejects.toMatchObject({
        code: 'schema_mismatch',
        message: expect.stringContaining('newer program') as string,
      });
    });
  },
  { isMigrated: false },
);
