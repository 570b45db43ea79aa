import { afterAll, afterEach, beforeAll, describe, inject } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import { silentLog } from '../../platform/log.ts';
import { systemRandom } from '../../platform/random.ts';
import type { Database, Dialect } from '../database.ts';
import { migrate } from '../migrate.ts';
import { openPostgres } from '../postgres-database.ts';
import { openSqlite } from '../sqlite-database.ts';
import { administerPostgres, urlOfDatabase } from './administer-postgres.ts';
import { TEMPLATE_DATABASE } from './start-postgres.ts';
import { temporaryFile } from './temporary-file.ts';

/**
 * Opens the database of the current test: migrated, and empty at the first call.
 *
 * Every call on PostgreSQL is a connection of its own, so two calls give two that can race. SQLite has one writer, so there the second call
 * returns the same one. The suite closes whatever a test opened.
 */
export interface OpenDatabase {
  (): Promise<Database>;
  readonly dialect: Dialect;
}

/** What a suite needs beyond the usual. */
export interface DescribeDatabasesOptions {
  /** Whether the database has its tables already. @default true */
  readonly isMigrated?: boolean;
  /** Also runs on a SQLite file, whose reads go through a thread. @default false */
  readonly sqliteFile?: boolean;
  /** The clock of SQLite's leases, in milliseconds since the epoch; PostgreSQL has its own. @default the machine's */
  readonly now?: () => number;
}

/**
 * Runs one suite on in-memory SQLite and on a real PostgreSQL. Only for files named `*.db.test.ts`, whose project starts the server.
 *
 * @example
 * describeDatabases('finishDagRuns', (open) => {
 *   test('refuses a run that is not held', async () => {
 *     const database = await open();
 *     expect(await database.batch([finishDagRuns('tick', 0, [run])])).toEqual([[]]);
 *   });
 * });
 */
export function describeDatabases(name: string, suite: (open: OpenDatabase) => void, options: DescribeDatabasesOptions = {}): void {
  describe(`${name} on SQLite in memory`, () => {
    suite(onSqlite(() => Promise.resolve(':memory:'), options));
  });
  if (options.sqliteFile === true) {
    describe(`${name} on a SQLite file`, () => {
      // Hooks run in reverse order, so the database is closed before its folder goes.
      suite(onSqlite(temporaryFile(), options));
    });
  }
  describePostgres(name, suite, options);
}

/** The same for what only PostgreSQL has: connections that race, break and wake each other. */
export function describePostgres(name: string, suite: (open: OpenDatabase) => void, options: DescribeDatabasesOptions = {}): void {
  describe(`${name} on PostgreSQL`, () => {
    suite(onPostgres(options));
  });
}

function onSqlite(
  chooseFile: () => Promise<string>,
  { now = () => systemClock.now(), isMigrated }: DescribeDatabasesOptions,
): OpenDatabase {
  let current: Promise<Database> | undefined;
  const openCurrent = async (): Promise<Database> => {
    const database = openSqlite({ file: await chooseFile(), now });
    if (isMigrated !== false) await migrate(database, now());
    return database;
  };
  afterEach(async () => {
    const closing = current;
    current = undefined;
    await (await closing)?.close();
  });
  return Object.assign(() => (current ??= openCurrent()), { dialect: 'sqlite' as const });
}

function onPostgres({ isMigrated = true }: DescribeDatabasesOptions): OpenDatabase {
  const own = useOwnDatabase(isMigrated);
  const opened: Database[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
    await own.empty();
  });
  const open = (): Promise<Database> => {
    const database = openPostgres({ url: own.url(), clock: systemClock, random, log: silentLog });
    opened.push(database);
    return Promise.resolve(database);
  };
  return Object.assign(open, { dialect: 'postgres' as const });
}

const random = systemRandom(() => systemClock.now());

/** Makes a database for the surrounding suite, a clone of the template or bare, and drops it after the last test. */
function useOwnDatabase(isMigrated: boolean): { url(): string; empty(): Promise<void> } {
  const server = inject('postgresUrl') as string | undefined;
  const name = `tradewind_${random.uuid().replaceAll('-', '')}`;
  const url = (): string => urlOfDatabase(urlOfServer(server), name);
  beforeAll(async () => {
    await administerPostgres(urlOfServer(server), `create database ${name} template ${isMigrated ? TEMPLATE_DATABASE : 'template1'}`);
  });
  afterAll(async () => {
    await administerPostgres(urlOfServer(server), `drop database ${name} with (force)`);
  });
  return { url, empty: () => administerPostgres(url(), isMigrated ? EMPTY_EVERY_TABLE : DROP_EVERY_TABLE) };
}

function urlOfServer(url: string | undefined): string {
  if (url === undefined)
    throw new Error('no PostgreSQL was started for this file: name it *.db.test.ts, so that it belongs to project "database"');
  return url;
}

/**
 * Deletes every row but the schema's version and the default pool, and starts the identity columns again. Deleting is faster than `truncate` on tables that hold
 * a handful of rows; without triggers no order of tables is needed.
 */
const EMPTY_EVERY_TABLE = `
  do $$
  declare name text;
  begin
    set local session_replication_role = replica;
    for name in select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'schema_migration' loop
      execute format('delete from %I', name);
    end loop;
    for name in select relname from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace loop
      perform setval(name::regclass, 1, false);
    end loop;
    insert into pool (name, slots, description, include_deferred) values ('default_pool', 128, 'Default pool', 0);
  end $$`;

const DROP_EVERY_TABLE = `drop schema public cascade; create schema public`;
