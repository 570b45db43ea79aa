import type { SecretBox } from '../../platform/secret-box.ts';
import { defineStatement, type Database } from '../database.ts';
import { placeOfVariable } from '../secret-places.ts';

/** What is to be changed of a variable; what is left out stays. */
export interface VariableChange {
  readonly value?: string;
  readonly description?: string | null;
}

/**
 * One value or description → another one.
 *
 * Called by the API. Run twice: the same again.
 * @returns `not_found` where there is no such variable
 */
export async function updateVariable(
  database: Database,
  box: SecretBox,
  { key, change, now }: { readonly key: string; readonly change: VariableChange; readonly now: number },
): Promise<{ readonly outcome: 'updated' | 'not_found' }> {
  const sealed = change.value === undefined ? null : box.seal(change.value, placeOfVariable(key));
  const [updated] = await database.batch([setVariable(key, { ...change, sealed }, now)]);
  return { outcome: updated.length > 0 ? 'updated' : 'not_found' };
}

const setVariable = defineStatement<
  { key: string },
  [key: string, change: VariableChange & { readonly sealed: string | null }, now: number]
>(
  'update_variable',
  () => `
    update variable
    set value = coalesce($2, value), description = case when $3 = 1 then $4 else description end, updated_at = $5
    where key = $1
    returning key`,
  (key, { sealed, description }, now) => [key, sealed, Number(description !== undefined), description ?? null, now],
);
