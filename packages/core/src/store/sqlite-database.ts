import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { CamelCasePlugin, Kysely, SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';
import { TradewindError, messageOf } from '../platform/errors.ts';
import { sqlDialect, type BatchRows, type Database, type Statement } from './database.ts';
import { createReadThread } from './read-thread.ts';
import type { Tables } from './tables.ts';

/** Where an embedded database lives, and whose clock its leases use. */
export interface SqliteOptions {
  /** Path of the database file, or `:memory:`. */
  readonly file: string;
  /** The database's clock: the machine's in production, the virtual one in the simulation. Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * After so many pages of 4 KiB the log is written into the database, within a commit. Most pages of active runs are written again and again: the later, the fewer of them are copied, and the file stays
 * below 20 MiB as long as no reader holds it open.
 */
const CHECKPOINT_PAGES = 4_000;

/** Primary result codes of errors that an operator can do something about (sqlite.org/rescode.html). */
const BUSY = 5;
const READONLY = 8;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const NO_DATABASE = 26;

/**
 * Opens the embedded database: one connection for the writer on this thread (WAL, `synchronous=FULL`, so a commit survives a power loss),
 * and for reads a read-only connection on a thread of its own, started with the first read. The caller holds the environment's lock.
 */
export function openSqlite({ file, now }: SqliteOptions): Database {
  return openSqliteConnection(openConnection(file), { file, now });
}

/**
 * The store on a connection that somebody else opened and may look into: the simulation, whose checker watches the tables themselves.
 */
export function openSqliteConnection(connection: DatabaseSync, { file, now }: SqliteOptions): Database {
  connection.function('database_now', () => now());
  const spelling = sqlDialect('sqlite');
  const prepared = new Map<string, StatementSync>();
  const begin = connection.prepare('begin immediate');
  const commit = connection.prepare('commit');
  const rollback = connection.prepare('rollback');

  const run = (statement: Statement<unknown>): unknown[] => {
    let compiled = prepared.get(statement.name);
    if (compiled === undefined) {
      compiled = connection.prepare(numberPlaceholders(statement.text(spelling)));
      prepared.set(statement.name, compiled);
    }
    return compiled.all(...(statement.values as SQLInputValue[]));
  };

  const runAll = (statements: readonly Statement<unknown>[]): unknown[][] => {
    const [only] = statements;
    if (only !== undefined && statements.length === 1) return [run(only)];
    begin.run();
    try {
      const rows: unknown[][] = [];
      for (const statement of statements) rows.push(isNeedless(statement, statements, rows) ? [] : run(statement));
      commit.run();
      return rows;
    } catch (error) {
      if (connection.isTransaction) rollback.run();
      throw error;
    }
  };

  const reads = openReads(file, connection);
  return {
    dialect: 'sqlite',
    // Async, so that a failure is a rejection as it is on PostgreSQL and never a throw into the caller's own frame.
    // eslint-disable-next-line typescript/require-await
    async batch<const Statements extends readonly Statement<unknown>[]>(statements: Statements) {
      try {
        return runAll(statements) as BatchRows<Statements>;
      } catch (error) {
        throw translate(error, file);
      }
    },
    reads: reads.kysely,
    // The embedded database has one process: whoever writes wakes whoever waits through a function call.
    onWake: () => () => {},
    async close() {
      await reads.close();
      if (connection.isOpen) connection.close();
    },
  };
}

function openConnection(file: string): DatabaseSync {
  let connection: DatabaseSync;
  try {
    connection = new DatabaseSync(file, { timeout: 5_000 });
    connection.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma temp_store = memory');
    connection.exec(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  } catch (error) {
    throw translate(error, file);
  }
  return connection;
}

function isNeedless({ needlessAfter }: Statement<unknown>, statements: readonly Statement<unknown>[], rows: readonly unknown[][]): boolean {
  if (needlessAfter === undefined) return false;
  let returned = 0;
  for (const [index, { length }] of rows.entries()) if (needlessAfter.names.includes(statements[index]?.name ?? '')) returned += length;
  return returned === needlessAfter.rows;
}

function openReads(file: string, connection: DatabaseSync): { readonly kysely: Kysely<Tables>; close(): Promise<void> } {
  // An in-memory database exists in its own connection only.
  const dialect = file === ':memory:' ? new SqliteDialect({ database: adapt(connection) }) : createReadThread(file);
  const kysely = new Kysely<Tables>({ dialect, plugins: [new CamelCasePlugin()] });
  return { kysely, close: () => (file === ':memory:' ? Promise.resolve() : kysely.destroy()) };
}

/** What Kysely asks of a SQLite driver, on node:sqlite. */
function adapt(connection: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close() {
      connection.close();
    },
    prepare(text) {
      let statement = prepared.get(text);
      if (statement === undefined) {
        statement = adaptStatement(connection.prepare(text));
        prepared.set(text, statement);
      }
      return statement;
    },
  };
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (values) => statement.all(...(values as SQLInputValue[])),
    run: (values) => statement.run(...(values as SQLInputValue[])),
    iterate: (values) => statement.iterate(...(values as SQLInputValue[])),
  };
}

/**
 * SQLite reads `$1` as a name; `?1` is a position. It also looks into a parameter that is a limit by itself when it plans, and plans again at each execution because that may be another one,
 * for five times what a statement costs that finds little. A limit that is an expression is left alone.
 */
function numberPlaceholders(text: string): string {
  return text.replaceAll(/\$(\d+)/g, '?$1').replaceAll(/\blimit (\?\d+)/g, 'limit +$1');
}

/** Turns an error of SQLite into one that says what to do. */
function translate(error: unknown, file: string): unknown {
  const code = (error as { errcode?: unknown }).errcode;
  if (typeof code !== 'number') return error;
  const where = `the database ${file}`;
  switch (code & 0xff) {
    case FULL:
      return new TradewindError('database_full', `${where} cannot grow: the disk is full. Free space; work goes on by itself.`, {
        cause: error,
      });
    case BUSY:
      return new TradewindError('database_busy', `${where} is locked by another program; end it or wait.`, { cause: error });
    case READONLY:
    case IO_ERROR:
    case CANNOT_OPEN:
      return new TradewindError(
        'database_unavailable',
        `${where} cannot be used: ${messageOf(error)}. Check that its folder exists, the disk, and the owner of the file.`,
        { cause: error },
      );
    case CORRUPT:
    case NO_DATABASE:
      return new TradewindError('database_unavailable', `${where} is damaged: ${messageOf(error)}. Move it away and restore a backup.`, {
        cause: error,
      });
    default:
      return error;
  }
}
