import { DatabaseSync } from 'node:sqlite';
import type { Database } from '../store/database.ts';
import { openSqliteConnection } from '../store/sqlite-database.ts';

/** Opens a database that exists in memory only, and whose leases use this clock. */
export function openTestDatabase(now: () => number): Database {
  const connection = new DatabaseSync(':memory:');
  connection.exec('pragma foreign_keys = on; pragma temp_store = memory');
  return openSqliteConnection(connection, { file: ':memory:', now });
}
