import type { Variable } from '../../model/variables/variable.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import { defineStatement, type Database, type Statement } from '../database.ts';
import { placeOfVariable } from '../secret-places.ts';

/** What happens to what exists already: nothing is saved at all, it stays, or it is replaced. */
export type OnExisting = 'fail' | 'skip' | 'overwrite';

/**
 * (absent) → saved, or another value → this one, for several variables as a whole.
 *
 * Called by the API and the command line. Values are sealed on their way. Locks nothing: keys are unique, so of two that create one key at once the second
 * finds it there. Run twice: `overwrite` saves the same again, the others find everything there.
 * @returns the keys that were saved, in no order; with `fail` none where one of them exists
 */
export async function saveVariables(
  database: Database,
  box: SecretBox,
  { variables, onExisting, now }: { readonly variables: readonly Variable[]; readonly onExisting: OnExisting; readonly now: number },
): Promise<readonly string[]> {
  const rows = JSON.stringify(
    variables.map(({ key, value, description }) => ({ key, value: box.seal(value, placeOfVariable(key)), description })),
  );
  const [saved] = await database.batch([STATEMENTS[onExisting](rows, now)]);
  return saved.map(({ key }) => key);
}

type SaveStatement = (rows: string, now: number) => Statement<{ key: string }>;

const COLUMNS = { key: 'text', value: 'text', description: 'text' } as const;

const STATEMENTS: Readonly<Record<OnExisting, SaveStatement>> = {
  fail: defineSave('create_variables', 'not exists (select 1 from variable join all_wanted on all_wanted.key = variable.key)', 'nothing'),
  skip: defineSave('add_variables', 'true', 'nothing'),
  overwrite: defineSave(
    'overwrite_variables',
    'true',
    'update set value = excluded.value, description = excluded.description, updated_at = excluded.updated_at',
  ),
};

function defineSave(name: string, condition: string, onConflict: string): SaveStatement {
  return defineStatement<{ key: string }, [rows: string, now: number]>(
    name,
    (d) => `
      with all_wanted as (select key, value, description from ${d.rows('$1', 'wanted', COLUMNS)})
      insert into variable (key, value, description, created_at, updated_at)
      select key, value, description, $2, $2 from all_wanted where ${condition}
      on conflict (key) do ${onConflict}
      returning key`,
    (rows, now) => [rows, now],
  );
}
