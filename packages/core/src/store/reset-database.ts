import type { Database, Statement } from './database.ts';
import { migrate } from './migrate.ts';
import { openSqlite } from './sqlite-database.ts';

/**
 * Drops every table that this program makes, and nothing else that may be in the database, and makes them anew. Whoever calls it is alone with the database.
 * @returns how many tables there were
 */
export async function resetDatabase(database: Database, now: number): Promise<number> {
  const own = await ownTables();
  const [present] = await database.batch([tablesThere]);
  const dropped = present.map(({ name }) => name).filter((name) => own.has(name));
  await database.batch(database.dialect === 'sqlite' ? [ignoreReferences, ...dropped.map(dropTable)] : dropped.map(dropTable));
  await migrate(database, now);
  return dropped.length;
}

/** The names of the tables, from a database that has nothing else. */
async function ownTables(): Promise<ReadonlySet<string>> {
  const scratch = openSqlite({ file: ':memory:', now: () => 0 });
  try {
    await migrate(scratch, 0);
    const [tables] = await scratch.batch([tablesThere]);
    return new Set(tables.map(({ name }) => name));
  } finally {
    await scratch.close();
  }
}

const tablesThere: Statement<{ name: string }> = {
  name: 'tables_there',
  text: ({ dialect }) =>
    dialect === 'sqlite'
      ? `select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'`
      : `select table_name as name from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE'`,
  values: [],
};

/** Until the end of the transaction: the tables refer to each other in every order. */
const ignoreReferences: Statement<never> = { name: 'ignore_references', text: () => 'pragma defer_foreign_keys = on', values: [] };

function dropTable(table: string): Statement<never> {
  return {
    name: `drop_${table}`,
    text: ({ dialect }) => `drop table ${table}${dialect === 'postgres' ? ' cascade' : ''}`,
    values: [],
  };
}
