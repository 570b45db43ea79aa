import { decodeJson, type JsonObject, type JsonValue } from '@tradewind/protocol';
import { normaliseConnectionType, type Connection, type ReadConnection } from './connection.ts';

/** Airflow's name for an extra that no query could spell. */
const EXTRA_KEY = '__extra__';
const SCHEME = /^(?<type>[A-Za-z][\w+.-]*):\/\/(?<rest>.*)$/s;
const NESTED_SCHEME = /^(?<protocol>[A-Za-z][\w+.-]*):\/\/(?<rest>.*)$/s;
const HOST_AND_PORT = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d*))?$/s;
const MAX_PORT = 65_535;

/**
 * Reads Airflow's URI of a connection: `type://login:password@host:port/schema?key=value`, each part percent-encoded. A host may have a protocol of its own
 * (`http://https://example.org`); an extra that is more than texts stands as JSON in `__extra__`.
 */
export function parseConnectionUri(connId: string, uri: string): ReadConnection {
  const { type, rest } = SCHEME.exec(uri)?.groups ?? {};
  if (type === undefined || rest === undefined) return bad('it is neither JSON nor a URI: those begin with type://');
  if (rest.includes('#')) return bad('it holds a "#", which ends a URI; write %23');
  const { protocol, authority, path, query } = splitAddress(rest);
  const place = readAuthority(authority);
  if (typeof place === 'string') return bad(place);
  const extra = readQuery(query);
  if (extra === undefined) return bad(`its ${EXTRA_KEY} is no JSON object`);
  const { host, ...user } = place;
  const connection: Connection = {
    connId,
    connType: normaliseConnectionType(type),
    description: null,
    ...user,
    host: orNull(protocol === undefined ? host : `${protocol}://${host}`),
    schema: orNull(decode(path)),
    extra,
  };
  return { ok: true, connection };
}

function splitAddress(rest: string) {
  const { protocol, rest: address = rest } = NESTED_SCHEME.exec(rest)?.groups ?? {};
  const [, authority = '', path = '', query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(address) ?? [];
  return { protocol, authority, path, query };
}

/** Login, password, host and port, or what is wrong with them. */
function readAuthority(authority: string): (Pick<Connection, 'login' | 'password' | 'port'> & { readonly host: string }) | string {
  const at = authority.lastIndexOf('@');
  const [login, password] = splitOnce(at === -1 ? '' : authority.slice(0, at), ':');
  const address = authority.slice(at + 1);
  const { host = '', port = '' } = HOST_AND_PORT.exec(address)?.groups ?? {};
  if (address !== '' && host === '' && port === '') return 'its host and port cannot be told apart';
  if (Number(port) > MAX_PORT) return `its port is greater than ${MAX_PORT}`;
  return {
    login: orNull(decode(login)),
    password: orNull(decode(password)),
    host: decode(host.replaceAll(/^\[|\]$/g, '')),
    port: port === '' ? null : Number(port),
  };
}

/** Writes the URI that `parseConnectionUri` reads. The description is not part of it. */
export function writeConnectionUri({ connType, host, schema, login, password, port, extra }: Connection): string {
  const [, protocol, name] = /^(?:([A-Za-z][\w+.-]*):\/\/)?(.*)$/s.exec(host ?? '') ?? [];
  const user = login === null && password === null ? '' : `${encode(login)}${password === null ? '' : `:${encode(password)}`}@`;
  const address = `${user}${encodeHost(name ?? '')}${port === null ? '' : `:${port}`}`;
  const query = writeQuery(extra);
  const path = schema === null && query === '' ? '' : `/${encode(schema)}`;
  return `${connType.replaceAll('_', '-')}://${protocol === undefined ? '' : `${protocol}://`}${address}${path}${query === '' ? '' : `?${query}`}`;
}

function readQuery(query: string): JsonObject | undefined {
  const parameters = new URLSearchParams(query);
  const whole = parameters.get(EXTRA_KEY);
  if (whole === null) return Object.fromEntries(parameters);
  try {
    const extra = decodeJson(whole);
    return isObject(extra) ? extra : undefined;
  } catch {
    return undefined;
  }
}

/** As parameters where they mean the same when they are read again. */
function writeQuery(extra: JsonObject): string {
  const entries = Object.entries(extra);
  const isFlat = entries.every(([name, value]) => typeof value === 'string' && name !== EXTRA_KEY && name !== '');
  if (isFlat) return new URLSearchParams(Object.fromEntries(entries) as Record<string, string>).toString();
  return new URLSearchParams({ [EXTRA_KEY]: JSON.stringify(extra) }).toString();
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** As Python's `unquote`: what is no escape stays as it is. */
function decode(text: string): string {
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'));
}

function encode(text: string | null): string {
  return encodeURIComponent(text ?? '').replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function encodeHost(host: string): string {
  return host.includes(':') && !host.includes('/') ? `[${encode(host)}]` : encode(host);
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(reason: string): ReadConnection {
  return { ok: false, reason };
}
