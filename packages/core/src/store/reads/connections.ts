import { decodeJson, type JsonObject } from '@tradewind/protocol';
import { sql } from 'kysely';
import type { Connection } from '../../model/connections/connection.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import type { Database } from '../database.ts';
import { placeOfConnection } from '../secret-places.ts';
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

/** What a list of connections may be narrowed to. */
export interface ConnectionFilter {
  readonly connIdPattern?: string | undefined;
  readonly connIdPrefixPattern?: string | undefined;
}

/** What a list of connections may be ordered by. */
export const CONNECTION_ORDER = {
  id: always(column('connection.connId')),
  connection_id: always(column('connection.connId')),
  conn_id: always(column('connection.connId')),
  conn_type: always(column('connection.connType')),
  description: sometimes(column('connection.description')),
  host: sometimes(column('connection.host')),
  port: sometimes(column('connection.port')),
} as const;

/** A connection as its columns hold it: password and extra are sealed. */
export interface ConnectionRow {
  readonly connId: string;
  readonly connType: string;
  readonly description: string | null;
  readonly host: string | null;
  readonly schemaName: string | null;
  readonly login: string | null;
  readonly password: string | null;
  readonly port: number | null;
  readonly extra: string | null;
}

/** One connection. Throws `secret_unreadable` where its secret columns do not open. */
export async function findConnection(database: Database, box: SecretBox, connId: string): Promise<Connection | undefined> {
  const row = await selectConnections(database).where('connId', '=', connId).executeTakeFirst();
  return row === undefined ? undefined : openConnection(box, row);
}

/** Lists connections, a page at a time. What does not open is missing in its connection. */
export async function listConnections(
  database: Database,
  box: SecretBox,
  { filter, page, orderBy }: { readonly filter: ConnectionFilter; readonly page: Page; readonly orderBy: readonly OrderBy[] },
): Promise<Listed<Connection>> {
  const id = column('connection.connId');
  const wanted = all([matchesPattern(id, filter.connIdPattern), startsWith(id, filter.connIdPrefixPattern)]);
  const order = orderedBy(orderBy, CONNECTION_ORDER, 'connection.connId');
  const [rows, total] = await Promise.all([
    selectConnections(database).where(wanted).orderBy(order).limit(page.limit).offset(page.offset).execute(),
    countRows(database, sql.table('connection'), wanted),
  ]);
  return { rows: rows.map((row) => openWhatOpens(box, row)), total };
}

/** Every connection, sealed: for masking, for exports and for rotations. */
export async function readSealedConnections(database: Database): Promise<readonly ConnectionRow[]> {
  return selectConnections(database).orderBy('connId').execute();
}

/** The connection behind a row. Throws `secret_unreadable` where its secret columns do not open. */
export function openConnection(box: SecretBox, { schemaName, password, extra, ...row }: ConnectionRow): Connection {
  return {
    ...row,
    schema: schemaName,
    password: password === null ? null : box.open(password, placeOfConnection(row.connId, 'password')),
    extra: extra === null ? {} : (decodeJson(box.open(extra, placeOfConnection(row.connId, 'extra'))) as JsonObject),
  };
}

function openWhatOpens(box: SecretBox, row: ConnectionRow): Connection {
  try {
    return openConnection(box, row);
  } catch {
    return openConnection(box, { ...row, password: null, extra: null });
  }
}

function selectConnections(database: Database) {
  return database.reads
    .selectFrom('connection')
    .select(['connId', 'connType', 'description', 'host', 'schemaName', 'login', 'password', 'port', 'extra']);
}
