import { z } from 'zod';
import { isConnectionId, normaliseConnectionType, type Connection } from '../../model/connections/connection.ts';
import { readExtra } from '../../model/connections/parse-connection.ts';
import { MASK } from '../../model/masking/masker.ts';
import { restoreMasked } from '../../model/masking/restore-masked.ts';
import { TradewindError } from '../../platform/errors.ts';
import { CONNECTION_ORDER, findConnection, listConnections } from '../../store/reads/connections.ts';
import { deleteConnections } from '../../store/transitions/delete-connections.ts';
import { saveConnections } from '../../store/transitions/save-connections.ts';
import { updateConnection, type ConnectionChange } from '../../store/transitions/update-connection.ts';
import type { ApiParts } from '../api-parts.ts';
import { list, pageQuery, query, readOrderBy, readPage, text } from '../query-schemas.ts';
import { apiRoute, emptyRoute } from '../route.ts';
import { bulkBody, bulkResponse, runBulk, type BulkActions } from './bulk.ts';

const MAX_PORT = 65_535;
const textOrNull = text.nullish().transform((value) => (value === '' ? null : value));

const connectionBody = z.strictObject({
  connection_id: text.refine(isConnectionId, 'an id has letters, digits, "_", "." and "-", at most 200 of them'),
  conn_type: text.min(1).transform(normaliseConnectionType),
  description: textOrNull,
  host: textOrNull,
  login: textOrNull,
  schema: textOrNull,
  port: z.int().min(0).max(MAX_PORT).nullish(),
  password: textOrNull,
  extra: text.nullish().refine((extra) => readExtra(extra ?? null) !== undefined, 'extra is the text of a JSON object'),
  team_name: z.null().optional(),
});
type ConnectionBody = z.output<typeof connectionBody>;

const connectionResponse = z.object({
  connection_id: z.string(),
  conn_type: z.string(),
  description: z.string().nullable(),
  host: z.string().nullable(),
  login: z.string().nullable(),
  schema: z.string().nullable(),
  port: z.int().nullable(),
  password: z.string().nullable(),
  extra: z.string().nullable(),
  team_name: z.null(),
});

const read = { kind: 'role', atLeast: 'op', resource: 'connection', action: 'read' } as const;
const edit = { ...read, action: 'edit' } as const;

/** Lists the connections of the database; what is secret in them is masked. */
export const getConnections = apiRoute({
  operationId: 'get_connections',
  method: 'GET',
  url: '/api/v2/connections',
  policy: read,
  query: z.object({ ...pageQuery, connection_id_pattern: query.text, connection_id_prefix_pattern: query.text }),
  response: z.object({ connections: z.array(connectionResponse), total_entries: z.int() }),
  async handler({ query: given }, parts) {
    const filter = { connIdPattern: given.connection_id_pattern, connIdPrefixPattern: given.connection_id_prefix_pattern };
    const orderBy = readOrderBy(given.order_by, CONNECTION_ORDER, 'id');
    const { rows, total } = await listConnections(parts.database, parts.secrets.box, { filter, page: readPage(given), orderBy });
    return { connections: rows.map((row) => toResponse(row, parts)), total_entries: total };
  },
});

/** One connection of the database. */
export const getConnection = apiRoute({
  operationId: 'get_connection',
  method: 'GET',
  url: '/api/v2/connections/{connection_id}',
  policy: read,
  params: z.object({ connection_id: text }),
  response: connectionResponse,
  async handler({ params }, parts) {
    return toResponse(await requireConnection(parts, params.connection_id), parts);
  },
});

/** Creates a connection. */
export const postConnection = apiRoute({
  operationId: 'post_connection',
  method: 'POST',
  url: '/api/v2/connections',
  policy: { ...read, action: 'create' },
  body: connectionBody,
  response: connectionResponse,
  status: 201,
  async handler({ body }, parts) {
    const { success } = await bulkConnections(parts).create([body], 'fail');
    if (success.length === 0) {
      throw new TradewindError('already_exists', `The Connection with connection_id: \`${body.connection_id}\` already exists`);
    }
    return toResponse(await requireConnection(parts, body.connection_id), parts);
  },
});

/** Changes a connection. A password that is only the mask stays as it is, and so does what is masked in the extra. */
export const patchConnection = apiRoute({
  operationId: 'patch_connection',
  method: 'PATCH',
  url: '/api/v2/connections/{connection_id}',
  policy: edit,
  params: z.object({ connection_id: text }),
  query: z.object({ update_mask: list(text) }),
  body: connectionBody,
  response: connectionResponse,
  async handler({ params, query: given, body }, parts) {
    if (params.connection_id !== body.connection_id) {
      throw new TradewindError('bad_request', 'The connection_id in the request body does not match the URL parameter');
    }
    await requireConnection(parts, body.connection_id);
    await bulkConnections(parts).update([body], 'skip', given.update_mask.length === 0 ? null : given.update_mask);
    return toResponse(await requireConnection(parts, body.connection_id), parts);
  },
});

/** Deletes a connection of the database. */
export const deleteConnection = emptyRoute({
  operationId: 'delete_connection',
  method: 'DELETE',
  url: '/api/v2/connections/{connection_id}',
  policy: { ...read, action: 'delete' },
  params: z.object({ connection_id: text }),
  async handler({ params }, { database }) {
    const deleted = await deleteConnections(database, [params.connection_id], 'those_there');
    if (deleted.length === 0) throw notFound(params.connection_id);
  },
});

/** Creates, changes and deletes several connections. */
export const bulkConnectionsRoute = apiRoute({
  operationId: 'bulk_connections',
  method: 'PATCH',
  url: '/api/v2/connections',
  policy: edit,
  body: bulkBody(connectionBody),
  response: bulkResponse,
  handler: ({ body }, parts) => runBulk<ConnectionBody>(body, bulkConnections(parts), ({ connection_id: id }) => id),
});

function bulkConnections({ database, secrets, clock }: ApiParts): BulkActions<ConnectionBody> {
  const { box } = secrets;
  return {
    async create(entities, onExisting) {
      const connections = [...new Map(entities.map((entity) => [entity.connection_id, toConnection(entity)])).values()];
      for (const connection of connections) secrets.learnConnection(connection);
      const success = await saveConnections(database, box, { connections, onExisting, now: clock.now() });
      const isRefused = onExisting === 'fail' && success.length < connections.length;
      return isRefused
        ? { success, error: { message: 'The connections with these ids already exist, in part or all.', statusCode: 409 } }
        : { success };
    },
    async update(entities, onMissing, mask) {
      const stored = await Promise.all(entities.map((entity) => findConnection(database, box, entity.connection_id)));
      const missing = entities.filter((_, index) => stored[index] === undefined).map((entity) => entity.connection_id);
      if (missing.length > 0 && onMissing === 'fail') {
        return {
          success: [],
          error: { message: `The connections with these ids: ${missing.join(', ')} were not found.`, statusCode: 404 },
        };
      }
      const success: string[] = [];
      for (const [index, entity] of entities.entries()) {
        const before = stored[index];
        if (before === undefined) continue;
        const change = toChange(entity, before, { mask, masker: secrets.masker });
        secrets.learnConnection({ ...before, ...change });
        const { outcome } = await updateConnection(database, box, { connId: before.connId, change, now: clock.now() });
        if (outcome === 'updated') success.push(before.connId);
      }
      return { success };
    },
    async delete(ids, onMissing) {
      const success = await deleteConnections(database, ids, onMissing === 'fail' ? 'all_or_none' : 'those_there');
      if (success.length > 0 || ids.length === 0 || onMissing === 'skip') return { success };
      return { success, error: { message: `The connections with these ids: ${ids.join(', ')} were not all found.`, statusCode: 404 } };
    },
  };
}

function toConnection(body: ConnectionBody): Connection {
  return {
    connId: body.connection_id,
    connType: body.conn_type,
    description: body.description ?? null,
    host: body.host ?? null,
    schema: body.schema ?? null,
    login: body.login ?? null,
    password: body.password ?? null,
    port: body.port ?? null,
    extra: readExtra(body.extra ?? null) ?? {},
  };
}

const FIELDS = {
  conn_type: 'connType',
  description: 'description',
  host: 'host',
  schema: 'schema',
  login: 'login',
  password: 'password',
  port: 'port',
  extra: 'extra',
} as const;

/** The fields that the body has and the mask allows; what somebody could not see stays. */
function toChange(
  body: ConnectionBody,
  before: Connection,
  { mask, masker }: { readonly mask: readonly string[] | null; readonly masker: ApiParts['secrets']['masker'] },
): ConnectionChange {
  const given = toConnection(body);
  const change: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(FIELDS) as [keyof typeof FIELDS, keyof ConnectionChange][]) {
    if (body[name] === undefined || (mask !== null && !mask.includes(name))) continue;
    const [value, stored] = [given[field], before[field]];
    change[field] = typeof stored === 'string' && value === masker.mask(stored) ? stored : value;
  }
  if (change['password'] === MASK) change['password'] = before.password;
  if ('extra' in change) change['extra'] = restoreMasked(given.extra, before.extra);
  return change;
}

async function requireConnection({ database, secrets }: ApiParts, connId: string): Promise<Connection> {
  const connection = await findConnection(database, secrets.box, connId);
  if (connection === undefined) throw notFound(connId);
  return connection;
}

function notFound(connId: string): TradewindError {
  return new TradewindError('not_found', `The Connection with connection_id: \`${connId}\` was not found`);
}

function toResponse(connection: Connection, { secrets: { masker } }: ApiParts): z.input<typeof connectionResponse> {
  const { connId, connType, description, host, login, schema, port, password, extra } = connection;
  const shown = (value: string | null): string | null => (value === null ? null : masker.mask(value));
  return {
    connection_id: connId,
    conn_type: connType,
    description: shown(description),
    host: shown(host),
    login,
    schema,
    port,
    password: password === null ? null : MASK,
    extra: Object.keys(extra).length === 0 ? null : JSON.stringify(masker.maskValue(extra)),
    team_name: null,
  };
}
