import type { Connection } from '../../model/connections/connection.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import { defineStatement, type Database, type SqlValue } from '../database.ts';
import { toRow } from './save-connections.ts';

/** What is to be changed of a connection; what is left out stays. */
export type ConnectionChange = Partial<Omit<Connection, 'connId'>>;

/**
 * Some fields of a connection → others.
 *
 * Called by the API. Each field is set by itself, so that two changes of different fields at once both count. Run twice: the same again.
 * @returns `not_found` where there is no such connection
 */
export async function updateConnection(
  database: Database,
  box: SecretBox,
  { connId, change, now }: { readonly connId: string; readonly change: ConnectionChange; readonly now: number },
): Promise<{ readonly outcome: 'updated' | 'not_found' }> {
  const row = toRow(box, { ...NOTHING, ...change, connId });
  const changed = new Set(Object.keys(change).map((name) => COLUMN_OF[name as keyof ConnectionChange]));
  const values = COLUMNS.flatMap((column): SqlValue[] => [Number(changed.has(column)), row[column]]);
  const [updated] = await database.batch([setConnection(connId, values, now)]);
  return { outcome: updated.length > 0 ? 'updated' : 'not_found' };
}

const NOTHING: Omit<Connection, 'connId'> = {
  connType: '',
  description: null,
  host: null,
  schema: null,
  login: null,
  password: null,
  port: null,
  extra: {},
};

const COLUMN_OF = {
  connType: 'conn_type',
  description: 'description',
  host: 'host',
  schema: 'schema_name',
  login: 'login',
  password: 'password',
  port: 'port',
  extra: 'extra',
} as const satisfies Record<keyof ConnectionChange, string>;
const COLUMNS = Object.values(COLUMN_OF);

const setConnection = defineStatement<{ connId: string }, [connId: string, values: readonly SqlValue[], now: number]>(
  'update_connection',
  () => `
    update connection
    set ${COLUMNS.map((column, index) => `${column} = case when $${2 * index + 3} = 1 then $${2 * index + 4} else ${column} end`).join(', ')}, updated_at = $2
    where conn_id = $1
    returning conn_id as "connId"`,
  (connId, values, now) => [connId, now, ...values],
);
