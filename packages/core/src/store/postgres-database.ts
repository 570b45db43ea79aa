import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely';
import { Client, DatabaseError, Pool, types, type ClientBase, type CustomTypesConfig } from 'pg';
import type { Clock } from '../platform/clock.ts';
import { sleep } from '../platform/clock.ts';
import { TradewindError, messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import { sqlDialect, WAKE_CHANNEL, type BatchRows, type Database, type Statement } from './database.ts';
import { createBatchRunner } from './postgres-batch.ts';
import type { Tables } from './tables.ts';

/** How to reach a PostgreSQL server. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Connections for transactions. @default 4 */
  readonly writers?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** No statement of ours takes longer on a healthy server; a stalled one must not hold a loop for ever. */
const STATEMENT_TIMEOUT_MS = 30_000;
const READERS = 4;
/**
 * Transitions reach every row by its key. The planner cannot know that: it takes a list in a parameter for a hundred rows and then reads the whole table of
 * task instances to find one. Nested loops over indexes, planned once, cost the same with a million finished task instances as with none.
 */
const BY_KEY = [
  'enable_seqscan=off',
  // Only plain index scans mark entries of dead rows, of which the index of what is at work has a hundred for each live one.
  'enable_bitmapscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  // Without a word about costs it goes through a whole index where it believes that a table is small, and goes on to do so when it no longer is.
  'random_page_cost=0.01',
  'seq_page_cost=0.01',
  'cpu_tuple_cost=1',
  'cpu_index_tuple_cost=5',
  'plan_cache_mode=force_generic_plan',
  'jit=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');
const MOST_ATTEMPTS = 5;
const RETRY_BASE_MS = 5;
const RELISTEN_DELAY_MS = 1_000;

/** Object id of the type bigint. */
const INT8 = 20;
const DEADLOCK = '40P01';
const SERIALIZATION_FAILURE = '40001';
const DISK_FULL = '53100';
/** What the server says to whoever may not come in, or asks for a database that there is not. */
const REFUSED_CLASS = '28';
const UNKNOWN_DATABASE = '3D000';
/** SQLSTATE classes that say the server, not the statement, is in trouble: connection, resources, operator intervention, system. */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57', '58']);

const BEGIN: Statement<never> = { name: 'begin', text: () => 'begin', values: [] };
const COMMIT: Statement<never> = { name: 'commit', text: () => 'commit', values: [] };

/**
 * Connects to PostgreSQL. A batch that comes again is one call of a function (postgres-batch.ts); any other is sent as one pipeline, `begin`, the statements, `commit`, in one
 * write and one round trip. Connections that break are replaced; a deadlock or a serialization failure is tried again.
 */
export function openPostgres(options: PostgresOptions): Database {
  const { url, clock, random, log } = options;
  const writers = createPool(url, { max: options.writers ?? 4, options: BY_KEY }, log);
  const readers = createPool(url, { max: READERS }, log);
  const listener = listen(options);
  const closing = new AbortController();
  let closed: Promise<unknown> | undefined;

  const runner = createBatchRunner();
  const runOnce = async (statements: readonly Statement<unknown>[]): Promise<unknown[][]> => {
    const client = await writers.connect();
    let failure: Error | undefined;
    try {
      return await (isRepeated(statements) ? runner.run(client, statements) : pipeline(client, statements));
    } catch (error) {
      failure = isConnectionLost(error) ? (error as Error) : undefined;
      throw error;
    } finally {
      client.release(failure);
    }
  };

  return {
    dialect: 'postgres',
    async batch<const Statements extends readonly Statement<unknown>[]>(statements: Statements) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return (await runOnce(statements)) as BatchRows<Statements>;
        } catch (error) {
          if (attempt >= MOST_ATTEMPTS || !isRetryable(error)) throw translate(error);
          await sleep(clock, RETRY_BASE_MS * 2 ** attempt * (1 + random.fraction()), closing.signal);
        }
      }
    },
    reads: new Kysely<Tables>({ dialect: new PostgresDialect({ pool: readers }), plugins: [new CamelCasePlugin()] }),
    onWake: (wake) => listener.onWake(wake),
    async close() {
      closing.abort();
      await (closed ??= Promise.all([listener.close(), writers.end(), readers.end()]));
    },
  };
}

function createPool(url: string, settings: { readonly max: number; readonly options?: string }, log: Log): Pool {
  const pool = new Pool({
    connectionString: url,
    ...settings,
    pipeline: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idleTimeoutMillis: 0,
    application_name: 'tradewind',
    types: { getTypeParser },
  });
  // Without a listener an idle connection that the server closes ends the whole process (SQLSTATE 57P01).
  pool.on('error', (error) => {
    log.warning('a database connection was lost; it is replaced with the next statement', { error: messageOf(error) });
  });
  // The pool hears only its idle connections. One that breaks while it is in use fails its queries, and then says so once more here.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** 64-bit integers arrive as numbers: ids and epoch milliseconds stay far below 2^53. */
const getTypeParser: CustomTypesConfig['getTypeParser'] = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8 ? Number : (types.getTypeParser(oid, format) as unknown);

/** Whether a batch is one that comes again: then it is worth a function of its own. */
function isRepeated(statements: readonly Statement<unknown>[]): boolean {
  return statements.length > 1 && statements.every(({ isRecurring }) => isRecurring === true);
}

/** Sends everything before the first answer arrives. A failed statement aborts the transaction, and `commit` then rolls back. */
async function pipeline(client: ClientBase, statements: readonly Statement<unknown>[]): Promise<unknown[][]> {
  const spelling = sqlDialect('postgres');
  // A statement alone is a transaction by itself.
  const isAlone = statements.length === 1;
  const sent = (isAlone ? statements : [BEGIN, ...statements, COMMIT]).map(async (statement) => {
    const result = await client.query<Record<string, unknown>>({
      name: statement.name,
      text: statement.text(spelling),
      values: [...statement.values],
    });
    return result.rows;
  });
  const settled = await Promise.allSettled(sent);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const rows = settled.map((result) => (result.status === 'fulfilled' ? result.value : []));
  return isAlone ? rows : rows.slice(1, -1);
}

/** Keeps one connection in LISTEN for as long as somebody wants to be woken, and connects again after a loss. */
function listen({ url, clock, log }: PostgresOptions): { onWake(wake: () => void): () => void; close(): Promise<void> } {
  const listeners = new Set<() => void>();
  const closing = new AbortController();
  let loop: Promise<void> | undefined;
  let hangUp = (): void => {};

  const listenOnce = async (): Promise<void> => {
    const ended = Promise.withResolvers<void>();
    hangUp = ended.resolve;
    const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true });
    client.on('error', hangUp);
    client.on('end', hangUp);
    client.on('notification', () => {
      for (const wake of listeners) wake();
    });
    try {
      await client.connect();
      await client.query(`listen ${WAKE_CHANNEL}`);
      // What was committed while nobody listened was missed, so everybody looks once.
      for (const wake of listeners) wake();
      await ended.promise;
    } finally {
      await client.end();
    }
  };

  const keepListening = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        await listenOnce();
      } catch (error) {
        log.warning('cannot listen for wake-ups; polling goes on', { error: messageOf(error) });
      }
      await sleep(clock, RELISTEN_DELAY_MS, closing.signal);
    }
  };

  return {
    onWake(wake) {
      listeners.add(wake);
      loop ??= keepListening();
      return () => listeners.delete(wake);
    },
    async close() {
      closing.abort();
      hangUp();
      await loop;
    },
  };
}

/** The code that the server gave; undefined where the connection itself failed (whose codes, such as EPIPE, look alike). */
function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}

function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === DEADLOCK || state === SERIALIZATION_FAILURE;
}

function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || UNAVAILABLE_CLASSES.has(state.slice(0, 2));
}

function translate(error: unknown): unknown {
  const state = sqlState(error);
  if (state === DISK_FULL) {
    return new TradewindError('database_full', 'PostgreSQL cannot write: its disk is full. Free space; work goes on by itself.', {
      cause: error,
    });
  }
  if (isMisconfigured(error)) {
    return new TradewindError(
      'bad_configuration',
      `PostgreSQL cannot be used as database.url says: ${messageOf(error)}. Check user, password and the name of the database.`,
      { cause: error },
    );
  }
  if (isConnectionLost(error)) {
    return new TradewindError(
      'database_unavailable',
      `PostgreSQL does not answer: ${describe(error)}. Check that it runs and the connection URL.`,
      {
        cause: error,
      },
    );
  }
  return error;
}

/** Whether asking again cannot help. */
function isMisconfigured(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state === UNKNOWN_DATABASE || state.startsWith(REFUSED_CLASS);
  return (error as { readonly code?: unknown }).code === 'ERR_INVALID_URL';
}

/** Where a name has several addresses, none of which answers, the error itself says nothing. */
function describe(error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error);
}
