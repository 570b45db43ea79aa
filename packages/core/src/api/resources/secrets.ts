/** What only the environment's administrator may do with secrets; the log says who did. */
import { z } from 'zod';
import { writeConnectionFields } from '../../model/connections/parse-connection.ts';
import { TradewindError } from '../../platform/errors.ts';
import { openConnection, readSealedConnections } from '../../store/reads/connections.ts';
import { listSecretFetches } from '../../store/reads/secret-fetches.ts';
import { readSealedVariables } from '../../store/reads/variables.ts';
import { placeOfVariable } from '../../store/secret-places.ts';
import { writeInstant } from '../instants.ts';
import { integer, oneOf, optional, query, text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';

const admin = { kind: 'role', atLeast: 'admin', resource: 'secret', action: 'read' } as const;
const DEFAULT_FETCHES = 100;
const MAX_FETCHES = 1_000;

const connectionFields = z.record(z.string(), z.unknown());

/** Every variable and connection of the database in the clear. A POST, because what is read here is worth a line in the log. */
export const exportSecrets = apiRoute({
  operationId: 'export_secrets',
  method: 'POST',
  url: '/api/v2/tradewind/secrets/export',
  policy: admin,
  response: z.object({
    variables: z.array(z.object({ key: z.string(), value: z.string(), description: z.string().nullable() })),
    connections: z.record(z.string(), connectionFields),
  }),
  async handler(_input, { database, secrets: { box } }) {
    const [variables, connections] = await Promise.all([readSealedVariables(database), readSealedConnections(database)]);
    return {
      variables: variables.map(({ key, value, description }) => ({ key, value: box.open(value, placeOfVariable(key)), description })),
      connections: Object.fromEntries(connections.map((row) => [row.connId, { ...writeConnectionFields(openConnection(box, row)) }])),
    };
  },
});

/** A variable or connection as tasks get it, from whichever place has it first. */
export const lookUpSecret = apiRoute({
  operationId: 'look_up_secret',
  method: 'POST',
  url: '/api/v2/tradewind/secrets/lookup',
  policy: admin,
  body: z.strictObject({ kind: z.enum(['variable', 'connection']), name: text }),
  response: z.object({ source: z.string(), variable: z.string().nullable(), connection: connectionFields.nullable() }),
  async handler({ body: { kind, name } }, { secrets: { lookup } }) {
    if (kind === 'variable') {
      const found = await lookup.findVariable(name);
      if (found === undefined) throw new TradewindError('not_found', `The Variable with key: \`${name}\` was not found`);
      return { source: found.source, variable: found.value, connection: null };
    }
    const found = await lookup.findConnection(name);
    if (found === undefined) throw new TradewindError('not_found', `The Connection with connection_id: \`${name}\` was not found`);
    return { source: found.source, variable: null, connection: { ...writeConnectionFields(found.value) } };
  },
});

/** Seals every value with new keys, while work goes on. */
export const rotateSecretKeys = apiRoute({
  operationId: 'rotate_secret_keys',
  method: 'POST',
  url: '/api/v2/tradewind/secrets/rotate',
  policy: { ...admin, action: 'edit' },
  response: z.object({ master_key_id: z.string(), data_keys: z.int(), values: z.int() }),
  async handler(_input, { secrets }) {
    const { masterKeyId, dataKeys, values } = await secrets.rotate();
    return { master_key_id: masterKeyId, data_keys: dataKeys, values };
  },
});

/** Which tries were given, or refused, which variables and connections; the newest first. */
export const getSecretFetches = apiRoute({
  operationId: 'get_secret_fetches',
  method: 'GET',
  url: '/api/v2/tradewind/secrets/fetches',
  policy: { ...admin, atLeast: 'op' },
  query: z.object({
    kind: optional(oneOf(['variable', 'connection'])),
    name: query.text,
    filter_dag_id: query.text,
    limit: optional(integer({ minimum: 1 })),
  }),
  response: z.object({
    fetches: z.array(
      z.object({
        kind: z.string(),
        name: z.string(),
        dag_id: z.string(),
        dag_run_id: z.string(),
        task_id: z.string(),
        map_index: z.int(),
        try_number: z.int(),
        outcome: z.string(),
        source: z.string().nullable(),
        fetches: z.int(),
        first_at: z.string(),
        last_at: z.string(),
      }),
    ),
  }),
  async handler({ query: given }, { database }, { principal }) {
    const filter = { readable: principal.readableDags, kind: given.kind, name: given.name, dagId: given.filter_dag_id };
    const rows = await listSecretFetches(database, filter, Math.min(given.limit ?? DEFAULT_FETCHES, MAX_FETCHES));
    return {
      fetches: rows.map(({ dagId, runId, taskId, mapIndex, tryNumber, firstAt, lastAt, ...row }) => ({
        ...row,
        dag_id: dagId,
        dag_run_id: runId,
        task_id: taskId,
        map_index: mapIndex,
        try_number: tryNumber,
        first_at: writeInstant(firstAt),
        last_at: writeInstant(lastAt),
      })),
    };
  },
});
