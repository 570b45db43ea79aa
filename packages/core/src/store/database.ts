import type { Kysely } from 'kysely';
import type { Tables } from './tables.ts';

/** The databases that the store runs on (adr/0002). */
export type Dialect = 'sqlite' | 'postgres';

/** What a statement may be given. Lists and records travel as JSON text. */
export type SqlValue = string | number | null;

/**
 * One SQL statement with its values. `Row` is what it returns, in TypeScript's spelling: statements rename their columns themselves.
 * `name` identifies the text: equal names mean equal texts, so both databases prepare it once for each connection.
 */
export interface Statement<Row> {
  readonly name: string;
  readonly text: (dialect: SqlDialect) => string;
  readonly values: readonly SqlValue[];
  /** Whether the statement occurs again and again, so that preparing it for every connection pays. */
  readonly isRecurring?: boolean;
  /**
   * Says when the statement has nothing to do: where those of these names that stand before it in the batch have returned so many rows together. A database leaves it out then, if it can.
   */
  readonly needlessAfter?: { readonly names: readonly string[]; readonly rows: number };
  /** Never set: it carries `Row` for the compiler. */
  readonly row?: Row;
}

/** The rows that each statement of a batch returned. */
export type BatchRows<Statements extends readonly Statement<unknown>[]> = {
  readonly [Index in keyof Statements]: Statements[Index] extends Statement<infer Row> ? readonly Row[] : never;
};

/** A connection to the store's database, whichever it is. */
export interface Database {
  readonly dialect: Dialect;
  /**
   * Runs the statements in order as one durable transaction: all of them or, where one fails, none. On PostgreSQL they travel in
   * one round trip, so no statement can depend on what an earlier one returned: guards belong into the statements.
   *
   * @throws TradewindError `database_unavailable` where the outcome is unknown (the connection broke): read again, never assume.
   */
  batch<const Statements extends readonly Statement<unknown>[]>(statements: Statements): Promise<BatchRows<Statements>>;
  /** Reads for people and the API: typed, composable, off the scheduler's path. Never used to decide a transition. */
  readonly reads: Kysely<Tables>;
  /** Calls `wake` after a process committed a batch with `wakeOthers`, this one included. Returns the way to stop. */
  onWake(wake: () => void): () => void;
  close(): Promise<void>;
}

/** How the two databases spell what they do not share. */
export interface SqlDialect {
  readonly dialect: Dialect;
  /** A `from` item that turns the JSON list in a placeholder into rows: `rows('$1', 'change', { id: 'text' })`. */
  rows(placeholder: string, alias: string, columns: Readonly<Record<string, 'text' | 'bigint'>>): string;
  /** Appended to a select whose rows must stay as they are until the transaction ends; nothing where the writer is alone anyway. */
  readonly forUpdate: string;
  /** The same, passing over rows that somebody else holds. */
  readonly forUpdateSkipLocked: string;
  /** The database's own clock in milliseconds, for leases only. */
  readonly databaseNow: string;
  /** A statement that wakes other processes when the transaction commits; one that does nothing where there are none. */
  readonly wake: string;
}

/** The channel of LISTEN and NOTIFY that says "something was committed that you may wait for". */
export const WAKE_CHANNEL = 'tradewind_wake';

const sqliteDialect: SqlDialect = {
  dialect: 'sqlite',
  rows(placeholder, alias, columns) {
    const list = Object.keys(columns).map((name) => `value ->> '${name}' as ${name}`);
    // With text each column of each row would be parsed out of it anew.
    return `(select ${list.join(', ')} from jsonb_each(${placeholder})) as ${alias}`;
  },
  forUpdate: '',
  forUpdateSkipLocked: '',
  databaseNow: 'database_now()',
  wake: 'select 1 where false',
};

/** More than any list has. */
const MOST_ROWS = 1_000_000_000;

const postgresDialect: SqlDialect = {
  dialect: 'postgres',
  rows(placeholder, alias, columns) {
    const list = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
    // The planner takes a list in a parameter for a hundred rows, against which reading a whole table seems cheap as long as that is small, and the plan is kept. Of a limit that it cannot know it
    // expects a tenth of that.
    const limit = `case when ${placeholder}::json is null then 0 else ${MOST_ROWS} end`;
    return `(select * from json_to_recordset(${placeholder}::json) as list(${list.join(', ')}) limit ${limit}) as ${alias}`;
  },
  forUpdate: 'for no key update',
  forUpdateSkipLocked: 'for no key update skip locked',
  databaseNow: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
  wake: `notify ${WAKE_CHANNEL}`,
};

/** The spelling of a dialect. */
export function sqlDialect(dialect: Dialect): SqlDialect {
  return dialect === 'sqlite' ? sqliteDialect : postgresDialect;
}

/**
 * Wakes the other processes on the database when the transaction commits. Belongs at the end of a batch that creates what a loop elsewhere waits for; a tick
 * of a scheduler, which only its own loop follows, does without.
 */
export const wakeOthers: Statement<never> = { name: 'wake_others', text: ({ wake }) => wake, values: [], isRecurring: true };

/**
 * Declares a statement and returns the function that binds its values.
 * @param name unique in the store; PostgreSQL cuts names after 63 bytes
 */
export function defineStatement<Row, Args extends readonly unknown[]>(
  name: string,
  text: (dialect: SqlDialect) => string,
  bind: (...args: Args) => readonly SqlValue[],
): (...args: Args) => Statement<Row> {
  const texts: Partial<Record<Dialect, string>> = {};
  const textFor = (dialect: SqlDialect): string => (texts[dialect.dialect] ??= text(dialect));
  return (...args) => ({ name, text: textFor, values: bind(...args), isRecurring: true });
}
