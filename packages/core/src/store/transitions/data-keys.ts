import type { WrappedDataKey } from '../../platform/secret-box.ts';
import { defineStatement, type Database } from '../database.ts';

/**
 * (none) → the first data key.
 *
 * Called at the first start of an environment. Of two processes that start at once one stores its key; both read what is there. Run twice: the first one stays.
 */
export async function createFirstDataKey(database: Database, key: WrappedDataKey, now: number): Promise<void> {
  await database.batch([lockDataKeys(), insertFirstDataKey(key, now)]);
}

/**
 * (absent) → a further data key, which new values are sealed with: its time is later than that of every other. Called by a rotation. Run twice with one id: it is
 * there already.
 */
export async function addDataKey(database: Database, key: WrappedDataKey, now: number): Promise<void> {
  await database.batch([insertDataKey(key, now)]);
}

/**
 * Sealed with one master key → sealed with another one.
 *
 * Called by a rotation. Changes the key only where it is still sealed as the caller read it, so of two rotations at once one changes it. Run twice: it is
 * sealed otherwise already, nothing changes.
 * @returns whether it was changed
 */
export async function rewrapDataKey(database: Database, before: WrappedDataKey, after: WrappedDataKey): Promise<boolean> {
  const [changed] = await database.batch([updateDataKey(before, after)]);
  return changed.length > 0;
}

/** Two first keys at once would both find none; SQLite has one writer anyway. */
const lockDataKeys = defineStatement<never, []>(
  'lock_data_keys',
  ({ dialect }) => (dialect === 'postgres' ? 'lock table data_key in exclusive mode' : 'select 1 where false'),
  () => [],
);

const insertFirstDataKey = defineStatement<never, [key: WrappedDataKey, now: number]>(
  'insert_first_data_key',
  () => `
    insert into data_key (id, wrapped, master_key_id, created_at)
    select $1, $2, $3, $4 where not exists (select 1 from data_key)`,
  ({ id, wrapped, masterKeyId }, now) => [id, wrapped, masterKeyId, now],
);

const insertDataKey = defineStatement<never, [key: WrappedDataKey, now: number]>(
  'insert_data_key',
  () => `
    insert into data_key (id, wrapped, master_key_id, created_at)
    select $1, $2, $3, case when $4 > coalesce(max(created_at), 0) then $4 else max(created_at) + 1 end
    from data_key
    where true
    on conflict (id) do nothing`,
  ({ id, wrapped, masterKeyId }, now) => [id, wrapped, masterKeyId, now],
);

const updateDataKey = defineStatement<{ id: string }, [before: WrappedDataKey, after: WrappedDataKey]>(
  'rewrap_data_key',
  () => `update data_key set wrapped = $3, master_key_id = $4 where id = $1 and wrapped = $2 returning id`,
  (before, after) => [before.id, before.wrapped, after.wrapped, after.masterKeyId],
);
