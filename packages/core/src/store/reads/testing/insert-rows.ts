import { createHash } from 'node:crypto';
import type { Database, SqlValue, Statement } from '../../database.ts';

/** A row as it stands in the database. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Rows of one table. */
export type ExampleTable = readonly [table: string, rows: readonly Row[]];

/** Inserts rows as they stand in the database, in one transaction. */
export async function insertRows(database: Database, table: string, rows: readonly Row[]): Promise<void> {
  await database.batch(rows.map((row) => insertRow(table, row)));
}

function insertRow(table: string, row: Row): Statement<never> {
  const columns = Object.keys(row);
  const placeholders = columns.map((_, index) => `$${index + 1}`);
  const text = `insert into ${table} (${columns.join(', ')}) values (${placeholders.join(', ')})`;
  // Equal names mean equal texts, and PostgreSQL cuts names.
  const name = `insert_example_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  return { name, text: () => text, values: Object.values(row) };
}
