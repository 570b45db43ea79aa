import { defineStatement, type Database } from '../database.ts';

/**
 * Saved → (absent).
 *
 * Called by the API and the command line. With `all_or_none` nothing goes where one of them is not there. Run twice: nothing is there.
 * @returns the keys that were deleted
 */
export async function deleteVariables(
  database: Database,
  keys: readonly string[],
  how: 'all_or_none' | 'those_there',
): Promise<readonly string[]> {
  const [deleted] = await database.batch([removeVariables(keys, how === 'all_or_none')]);
  return deleted.map(({ key }) => key);
}

const removeVariables = defineStatement<{ key: string }, [keys: readonly string[], isAllOrNone: boolean]>(
  'delete_variables',
  (d) => `
    delete from variable
    where key in (select key from ${d.rows('$1', 'wanted', { key: 'text' })})
      and ($2 = 0 or (select count(*) from variable as there where there.key in (select key from ${d.rows('$1', 'wanted', { key: 'text' })})) = $3)
    returning key`,
  (keys, isAllOrNone) => {
    const wanted = [...new Set(keys)];
    return [JSON.stringify(wanted.map((key) => ({ key }))), Number(isAllOrNone), wanted.length];
  },
);
