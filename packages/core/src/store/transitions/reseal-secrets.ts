import { defineStatement, type Database } from '../database.ts';

/** A sealed value, and the same value sealed with a newer data key. */
export interface ResealedValue {
  readonly id: string;
  readonly before: string;
  readonly after: string;
}

/** The columns that hold sealed values. */
export type SealedColumn = 'variable.value' | 'connection.password' | 'connection.extra';

/**
 * Sealed with an older data key → sealed with the newest.
 *
 * Called by a rotation. A value is changed only where it is still the one that was read, so that a value that somebody sets meanwhile stays. Run twice: it is
 * sealed otherwise already, nothing changes.
 * @returns how many were changed
 */
export async function resealSecrets(database: Database, column: SealedColumn, values: readonly ResealedValue[]): Promise<number> {
  const [changed] = await database.batch([STATEMENTS[column](values)]);
  return changed.length;
}

const STATEMENTS = {
  'variable.value': defineReseal('variable', 'key', 'value'),
  'connection.password': defineReseal('connection', 'conn_id', 'password'),
  'connection.extra': defineReseal('connection', 'conn_id', 'extra'),
} as const satisfies Record<SealedColumn, unknown>;

function defineReseal(table: string, id: string, column: string) {
  return defineStatement<{ id: string }, [values: readonly ResealedValue[]]>(
    `reseal_${table}_${column}`,
    (d) => `
      update ${table} set ${column} = resealed.after
      from ${d.rows('$1', 'resealed', { id: 'text', before: 'text', after: 'text' })}
      where ${table}.${id} = resealed.id and ${table}.${column} = resealed.before
      returning ${table}.${id} as id`,
    (values) => [JSON.stringify(values)],
  );
}
