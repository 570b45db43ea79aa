import type { WrappedDataKey } from '../../platform/secret-box.ts';
import type { Database, Statement } from '../database.ts';

/** Every data key, the oldest first: values are sealed with the last. Read as the writer sees them, because what is sealed next depends on it. */
export async function readDataKeys(database: Database): Promise<readonly WrappedDataKey[]> {
  const [keys] = await database.batch([selectDataKeys]);
  return keys;
}

const selectDataKeys: Statement<WrappedDataKey> = {
  name: 'select_data_keys',
  text: () => `select id, wrapped, master_key_id as "masterKeyId" from data_key order by created_at, id`,
  values: [],
};
