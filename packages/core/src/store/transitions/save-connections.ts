import type { Connection } from '../../model/connections/connection.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import { defineStatement, type Database, type Statement } from '../database.ts';
import { placeOfConnection } from '../secret-places.ts';
import type { OnExisting } from './save-variables.ts';

/**
 * (absent) → saved, or another connection → this one, for several as a whole.
 *
 * Called by the API and the command line. Passwords and extras are sealed on their way. Locks nothing: ids are unique, so of two that create one id at once
 * the second finds it there. Run twice: `overwrite` saves the same again, the others find everything there.
 * @returns the ids that were saved, in no order; with `fail` none where one of them exists
 */
export async function saveConnections(
  database: Database,
  box: SecretBox,
  { connections, onExisting, now }: { readonly connections: readonly Connection[]; readonly onExisting: OnExisting; readonly now: number },
): Promise<readonly string[]> {
  const rows = JSON.stringify(connections.map((connection) => toRow(box, connection)));
  const [saved] = await database.batch([STATEMENTS[onExisting](rows, now)]);
  return saved.map(({ connId }) => connId);
}

/** A connection as its columns hold it. */
export function toRow(box: SecretBox, { connId, connType, description, host, schema, login, password, port, extra }: Connection) {
  return {
    conn_id: connId,
    conn_type: connType,
    description,
    host,
    schema_name: schema,
    login,
    password: password === null ? null : box.seal(password, placeOfConnection(connId, 'password')),
    port,
    extra: Object.keys(extra).length === 0 ? null : box.seal(JSON.stringify(extra), placeOfConnection(connId, 'extra')),
  };
}

type SaveStatement = (rows: string, now: number) => Statement<{ connId: string }>;

const COLUMNS = {
  conn_id: 'text',
  conn_type: 'text',
  description: 'text',
  host: 'text',
  schema_name: 'text',
  login: 'text',
  password: 'text',
  port: 'bigint',
  extra: 'text',
} as const;
const NAMES = Object.keys(COLUMNS);

const STATEMENTS: Readonly<Record<OnExisting, SaveStatement>> = {
  fail: defineSave(
    'create_connections',
    'not exists (select 1 from connection join all_wanted on all_wanted.conn_id = connection.conn_id)',
    'nothing',
  ),
  skip: defineSave('add_connections', 'true', 'nothing'),
  overwrite: defineSave(
    'overwrite_connections',
    'true',
    `update set ${[...NAMES.slice(1), 'updated_at'].map((name) => `${name} = excluded.${name}`).join(', ')}`,
  ),
};

function defineSave(name: string, condition: string, onConflict: string): SaveStatement {
  const columns = NAMES.join(', ');
  return defineStatement<{ connId: string }, [rows: string, now: number]>(
    name,
    (d) => `
      with all_wanted as (select ${columns} from ${d.rows('$1', 'wanted', COLUMNS)})
      insert into connection (${columns}, created_at, updated_at)
      select ${columns}, $2, $2 from all_wanted where ${condition}
      on conflict (conn_id) do ${onConflict}
      returning conn_id as "connId"`,
    (rows, now) => [rows, now],
  );
}
