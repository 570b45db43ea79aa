import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Database } from '../store/database.ts';
import { openSqliteConnection } from '../store/sqlite-database.ts';

/** Opens a database that exists in memory only, and whose leases use this clock. */
export function openTestDatabase(now: () => number): Database {
  const connection = new UnpeekedConnection(':memory:');
  connection.exec('pragma foreign_keys = on; pragma temp_store = memory');
  return openSqliteConnection(connection, { file: ':memory:', now });
}

/**
 * Has SQLite plan each statement once. It looks into a parameter that is a limit by itself when it plans, and plans again whenever that may be another one: at each execution, for five times what a
 * statement costs that finds little. A limit that is an expression is left alone.
 */
class UnpeekedConnection extends DatabaseSync {
  override prepare(...[text, ...rest]: Parameters<DatabaseSync['prepare']>): StatementSync {
    return super.prepare(text.replaceAll(/\blimit (\?\d+)/g, 'limit +$1'), ...rest);
  }
}
