import { decodeJson, type JsonObject, type JsonValue } from '@tradewind/protocol';
import { normaliseConnectionType, type Connection, type ReadConnection } from './connection.ts';
import { parseConnectionUri } from './connection-uri.ts';

/**
 * Reads a connection as a secrets backend or `AIRFLOW_CONN_<ID>` gives it: a URI, or JSON (Airflow's `Connection.from_json`).
 */
export function parseConnection(connId: string, text: string): ReadConnection {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) return parseConnectionUri(connId, trimmed);
  let fields: JsonValue;
  try {
    fields = decodeJson(trimmed);
  } catch {
    return bad('it begins as JSON does, and is none');
  }
  return isObject(fields) ? readConnectionFields(connId, fields) : bad('its JSON is no object');
}

const FIELDS = ['conn_type', 'description', 'host', 'schema', 'login', 'password', 'port', 'extra'] as const;
const KNOWN_FIELDS: ReadonlySet<string> = new Set([...FIELDS, 'conn_id', 'connection_id', 'team_name', 'uri']);
const MAX_PORT = 65_535;

/** Reads a connection from its fields, as JSON files and Airflow's exports have them. */
export function readConnectionFields(connId: string, fields: JsonObject): ReadConnection {
  const unknown = Object.keys(fields).find((name) => !KNOWN_FIELDS.has(name));
  if (unknown !== undefined) return bad(`"${unknown}" is no field of a connection; those are ${FIELDS.join(', ')}`);
  if (typeof fields['uri'] === 'string') return parseConnectionUri(connId, fields['uri']);
  const type = fields['conn_type'];
  if (typeof type !== 'string' || type.trim() === '') return bad('conn_type is missing');
  const noText = TEXT_FIELDS.find((name) => typeof (fields[name] ?? '') !== 'string');
  if (noText !== undefined) return bad(`${noText} is no text`);
  const port = readPort(fields['port']);
  if (port === undefined) return bad(`port is no whole number from 0 to ${MAX_PORT}`);
  const extra = readExtra(fields['extra']);
  if (extra === undefined) return bad('extra is no JSON object');
  const [description, host, schema, login, password] = TEXT_FIELDS.map((name) => textOrNull(fields[name])) as Texts;
  return {
    ok: true,
    connection: { connId, connType: normaliseConnectionType(type), description, host, schema, login, password, port, extra },
  };
}

const TEXT_FIELDS = ['description', 'host', 'schema', 'login', 'password'] as const;
type Texts = [string | null, string | null, string | null, string | null, string | null];

function textOrNull(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** An extra as an object or as its JSON text; undefined where it is neither. */
export function readExtra(extra: JsonValue | undefined): JsonObject | undefined {
  if (extra === undefined || extra === null || extra === '') return {};
  if (typeof extra !== 'string') return isObject(extra) ? extra : undefined;
  try {
    const parsed = decodeJson(extra);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** A connection's fields as Airflow's JSON has them. */
export function writeConnectionFields({ connType, description, host, schema, login, password, port, extra }: Connection): JsonObject {
  return { conn_type: connType, description, host, schema, login, password, port, extra };
}

function readPort(port: JsonValue | undefined): number | null | undefined {
  if (port === undefined || port === null || port === '') return null;
  const number = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= MAX_PORT ? number : undefined;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(reason: string): ReadConnection {
  return { ok: false, reason };
}
