import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import type { Tables } from '../tables.ts';

/** A column with its table, checked by the compiler: `dagRun.runId`. */
export type Column = { [Table in keyof Tables]: `${Table}.${keyof Tables[Table] & string}` }[keyof Tables];

/** A yes-or-no question to a row. */
export type Condition = RawBuilder<SqlBool>;

/** Which dags a caller may read. Every list filters by it in SQL. */
export type ReadableDags = 'all' | readonly string[];

/** Which rows of a sorted list are wanted. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** Bounds of a value; each may be left out. Times are milliseconds since the epoch. */
export interface Range {
  readonly gte?: number | undefined;
  readonly gt?: number | undefined;
  readonly lte?: number | undefined;
  readonly lt?: number | undefined;
}

/** One criterion of an order. */
export interface OrderBy<Attribute extends string = string> {
  readonly attribute: Attribute;
  readonly descending: boolean;
}

/** What a row may be sorted by. */
export interface SortKey {
  readonly value: RawBuilder<unknown>;
  /** Whether some rows have no such value. */
  readonly isNullable: boolean;
}

/** What a list may be ordered by, under the API's words. */
export type Sortable<Attribute extends string = string> = Readonly<Record<Attribute, SortKey>>;

/** A page of rows and how many there are in all. */
export interface Listed<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

/** Reads one column. */
export function column(name: Column): RawBuilder<unknown> {
  return sql.ref(name);
}

/** Sorts by a value that every row has. */
export function always(value: RawBuilder<unknown>): SortKey {
  return { value, isNullable: false };
}

/** Sorts by a value that some rows do not have. */
export function sometimes(value: RawBuilder<unknown>): SortKey {
  return { value, isNullable: true };
}

/** Joins conditions; none at all is true. */
export function all(conditions: readonly (Condition | undefined)[]): Condition {
  const present = conditions.filter((condition) => condition !== undefined);
  return present.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`(${sql.join(present, sql` and `)})`;
}

/** Whether a row belongs to a dag that the caller may read. */
export function isReadable(name: Column, readable: ReadableDags): Condition | undefined {
  if (readable === 'all') return undefined;
  return readable.length === 0 ? sql<SqlBool>`1 = 0` : isAnyOf(name, readable);
}

/** Whether a column's value is in a list; no condition where the list is missing or empty. */
export function isAnyOf(name: Column, list: readonly (string | number)[] | undefined): Condition | undefined {
  return list === undefined || list.length === 0 ? undefined : sql<SqlBool>`${column(name)} in (${sql.join(list)})`;
}

/** Whether a value equals another; no condition where that one is missing. */
export function equals(name: Column, wanted: string | number | undefined): Condition | undefined {
  return wanted === undefined ? undefined : sql<SqlBool>`${column(name)} = ${wanted}`;
}

/** Whether a value is within bounds; no condition where there are none. */
export function isWithin(value: RawBuilder<unknown>, range: Range | undefined): Condition | undefined {
  const bounds = [
    range?.gte === undefined ? undefined : sql<SqlBool>`${value} >= ${range.gte}`,
    range?.gt === undefined ? undefined : sql<SqlBool>`${value} > ${range.gt}`,
    range?.lte === undefined ? undefined : sql<SqlBool>`${value} <= ${range.lte}`,
    range?.lt === undefined ? undefined : sql<SqlBool>`${value} < ${range.lt}`,
  ];
  return bounds.every((bound) => bound === undefined) ? undefined : all(bounds);
}

/**
 * Airflow's `*_pattern`: a case-insensitive substring, in which `%` and `_` are wildcards, `|` is "or", and `~` alone matches everything.
 */
export function matchesPattern(value: RawBuilder<unknown>, pattern: string | undefined): Condition | undefined {
  const terms = alternatives(pattern);
  if (terms.length === 0) return undefined;
  const likes = terms.map((term) => sql<SqlBool>`lower(${value}) like lower(${`%${term}%`}) escape '\\'`);
  return sql<SqlBool>`(${sql.join(likes, sql` or `)})`;
}

/**
 * Airflow's `*_prefix_pattern`: the beginning, case-sensitive and literal but for `|` and `~`. Trailing characters that are neither letter nor digit do
 * not count.
 */
export function startsWith(value: RawBuilder<unknown>, pattern: string | undefined): Condition | undefined {
  const prefixes = alternatives(pattern).map((term) => term.replace(/[^\p{L}\p{N}]+$/u, ''));
  if (prefixes.length === 0 || prefixes.includes('')) return undefined;
  const equalities = prefixes.map((prefix) => sql<SqlBool>`substr(${value}, 1, ${Array.from(prefix).length}) = ${prefix}`);
  return sql<SqlBool>`(${sql.join(equalities, sql` or `)})`;
}

/**
 * The order of a list. Missing values come last in either direction, as in Airflow; `tieBreaker`, a unique column, keeps pages from overlapping.
 */
export function orderedBy(orderBy: readonly OrderBy[], sortable: Sortable, tieBreaker: Column): RawBuilder<unknown> {
  const terms = orderBy.flatMap(({ attribute, descending }) => {
    const key = sortable[attribute];
    if (key === undefined) return [];
    const term = inDirection(key.value, descending);
    // Only where it is needed: no index has this order.
    return key.isNullable ? [sql`case when ${key.value} is null then 1 else 0 end`, term] : [term];
  });
  return sql.join([...terms, inDirection(column(tieBreaker), orderBy[0]?.descending ?? false)]);
}

/** Counts the rows of a table, or of a join, that fit. */
export async function countRows(database: Database, from: RawBuilder<unknown>, wanted: Condition): Promise<number> {
  const { rows } = await sql<{ total: number }>`select count(*) as total from ${from} where ${wanted}`.execute(database.reads);
  return rows[0]?.total ?? 0;
}

/** Which rows a page shows, found in as few tables as their choice needs; what is shown of them is joined to these few alone. */
export interface PageChoice {
  readonly id: Column;
  readonly from: RawBuilder<unknown>;
  readonly wanted: Condition;
  readonly order: RawBuilder<unknown>;
  readonly page: Page;
}

/** The ids of the rows of a page, as a subquery. */
export function idsOfPage({ id, from, wanted, order, page }: PageChoice): RawBuilder<string> {
  return sql<string>`(select ${column(id)} from ${from} where ${wanted} order by ${order} limit ${page.limit} offset ${page.offset})`;
}

function inDirection(value: RawBuilder<unknown>, descending: boolean): RawBuilder<unknown> {
  return descending ? sql`${value} desc` : sql`${value} asc`;
}

function alternatives(pattern: string | undefined): string[] {
  if (pattern === undefined || pattern === '~') return [];
  return pattern.split('|').filter((term) => term !== '');
}
