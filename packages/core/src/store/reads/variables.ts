import { sql } from 'kysely';
import type { SecretBox } from '../../platform/secret-box.ts';
import type { Database } from '../database.ts';
import { placeOfVariable } from '../secret-places.ts';
import {
  all,
  always,
  column,
  countRows,
  matchesPattern,
  orderedBy,
  sometimes,
  startsWith,
  type Listed,
  type OrderBy,
  type Page,
} from './query-parts.ts';

/** A variable with its value in the clear. */
export interface StoredVariable {
  readonly key: string;
  /** Undefined where it does not open: the row was damaged, or the key that it was sealed with is gone. */
  readonly value: string | undefined;
  readonly description: string | null;
}

/** What a list of variables may be narrowed to. */
export interface VariableFilter {
  readonly keyPattern?: string | undefined;
  readonly keyPrefixPattern?: string | undefined;
}

/** What a list of variables may be ordered by. */
export const VARIABLE_ORDER = {
  id: always(column('variable.key')),
  key: always(column('variable.key')),
  _val: always(column('variable.key')),
  description: sometimes(column('variable.description')),
  is_encrypted: always(sql`1`),
} as const;

/** The value of a variable. Throws `secret_unreadable` where it does not open. */
export async function findVariableValue(database: Database, box: SecretBox, key: string): Promise<string | undefined> {
  const row = await database.reads.selectFrom('variable').select('value').where('key', '=', key).executeTakeFirst();
  return row === undefined ? undefined : box.open(row.value, placeOfVariable(key));
}

/** One variable. */
export async function findVariable(database: Database, box: SecretBox, key: string): Promise<StoredVariable | undefined> {
  const row = await selectVariables(database).where('key', '=', key).executeTakeFirst();
  return row === undefined ? undefined : opened(box, row);
}

/** Lists variables, a page at a time. */
export async function listVariables(
  database: Database,
  box: SecretBox,
  { filter, page, orderBy }: { readonly filter: VariableFilter; readonly page: Page; readonly orderBy: readonly OrderBy[] },
): Promise<Listed<StoredVariable>> {
  const key = column('variable.key');
  const wanted = all([matchesPattern(key, filter.keyPattern), startsWith(key, filter.keyPrefixPattern)]);
  const order = orderedBy(orderBy, VARIABLE_ORDER, 'variable.key');
  const [rows, total] = await Promise.all([
    selectVariables(database).where(wanted).orderBy(order).limit(page.limit).offset(page.offset).execute(),
    countRows(database, sql.table('variable'), wanted),
  ]);
  return { rows: rows.map((row) => opened(box, row)), total };
}

/** Every variable, sealed: for masking, for exports and for rotations. */
export async function readSealedVariables(
  database: Database,
): Promise<readonly { key: string; value: string; description: string | null }[]> {
  return selectVariables(database).orderBy('key').execute();
}

function selectVariables(database: Database) {
  return database.reads.selectFrom('variable').select(['key', 'value', 'description']);
}

function opened(box: SecretBox, { key, value, description }: { key: string; value: string; description: string | null }): StoredVariable {
  try {
    return { key, value: box.open(value, placeOfVariable(key)), description };
  } catch {
    return { key, value: undefined, description };
  }
}
