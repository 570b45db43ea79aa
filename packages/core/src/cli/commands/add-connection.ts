import type { JsonObject } from '@tradewind/protocol';
import type { Connection, ReadConnection } from '../../model/connections/connection.ts';
import { parseConnection, readConnectionFields } from '../../model/connections/parse-connection.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { readValue } from '../secret-files/read-standard-input.ts';
import { withSession } from '../session/open-session.ts';

interface AddConnectionOptions extends EnvironmentOptions {
  readonly connUri?: string;
  readonly connJson?: string;
  readonly connType?: string;
  readonly connDescription?: string;
  readonly connHost?: string;
  readonly connSchema?: string;
  readonly connLogin?: string;
  readonly connPassword?: string;
  readonly connPort?: string;
  readonly connExtra?: string;
}

/** `tradewind connections add <conn_id>`: from a URI, from JSON, or from its parts; `-` reads one of them from standard input. */
export async function addConnection(connId: string, options: AddConnectionOptions): Promise<undefined> {
  const read = await readOptions(connId, options);
  if (!read.ok) throw new TradewindError('usage', `the connection cannot be read: ${read.reason}`);
  await withSession(options.folder, (session) =>
    session.ask({ method: 'POST', path: '/api/v2/connections', body: toBody(read.connection) }),
  );
  process.stderr.write(`connection "${connId}" is added\n`);
}

/** A connection as the API takes it. */
export function toBody({ connId, connType, extra, ...rest }: Connection): Readonly<Record<string, unknown>> {
  return { connection_id: connId, conn_type: connType, ...rest, extra: Object.keys(extra).length === 0 ? null : JSON.stringify(extra) };
}

async function readOptions(connId: string, options: AddConnectionOptions): Promise<ReadConnection> {
  const { connUri, connJson, connType } = options;
  const ways = [connUri, connJson, connType].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    throw new TradewindError('usage', 'give the connection in one way: --conn-uri, --conn-json, or --conn-type with its parts');
  }
  const text = connUri ?? connJson;
  if (text !== undefined) return parseConnection(connId, await readValue(text));
  const { connDescription, connHost, connSchema, connLogin, connPassword, connPort, connExtra } = options;
  const fields = {
    conn_type: connType,
    description: connDescription,
    host: connHost,
    schema: connSchema,
    login: connLogin,
    password: connPassword === undefined ? undefined : await readValue(connPassword),
    port: connPort,
    extra: connExtra === undefined ? undefined : await readValue(connExtra),
  };
  return readConnectionFields(connId, Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject);
}
