import { DEFAULT_POOL } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import type { Database } from '../../store/database.ts';
import { POOL_ORDER, findPool, listPools, type PoolSummary } from '../../store/reads/pools.ts';
import { changePool, createPool, deletePool } from '../../store/transitions/pools.ts';
import { list, pageQuery, query, readOrderBy, readPage, text } from '../query-schemas.ts';
import { problemOf } from '../request-problems.ts';
import { apiRoute, emptyRoute } from '../route.ts';

/** Airflow's column width. */
const MAX_NAME_LENGTH = 256;
/** The largest value of PostgreSQL's type integer, which is what Airflow's slots are. */
const MAX_SLOTS = 2_147_483_647;

const slots = z
  .int()
  .refine((given) => given >= -1, problemOf('greater_than_equal', 'Input should be greater than or equal to -1'))
  .refine((given) => given <= MAX_SLOTS, problemOf('less_than_equal', `Input should be less than or equal to ${MAX_SLOTS}`));
const poolName = text
  .min(1, 'String should have at least 1 character')
  .max(MAX_NAME_LENGTH, `String should have at most ${MAX_NAME_LENGTH} characters`);

const poolResponse = z.object({
  name: z.string(),
  slots: z.int(),
  description: z.string(),
  include_deferred: z.boolean(),
  occupied_slots: z.int(),
  running_slots: z.int(),
  queued_slots: z.int(),
  scheduled_slots: z.int(),
  open_slots: z.int(),
  deferred_slots: z.int(),
  team_name: z.null(),
});

const POOL_URL = '/api/v2/pools/{pool_name}';
const poolParams = z.object({ pool_name: text });

/** Lists the pools with what is in them. */
export const getPools = apiRoute({
  operationId: 'get_pools',
  method: 'GET',
  url: '/api/v2/pools',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'pool', action: 'read' },
  query: z.object({ ...pageQuery, pool_name_pattern: query.text, pool_name_prefix_pattern: query.text }),
  response: z.object({ pools: z.array(poolResponse), total_entries: z.int() }),
  async handler({ query: given }, { database }) {
    const filter = { namePattern: given.pool_name_pattern, namePrefixPattern: given.pool_name_prefix_pattern };
    const { rows, total } = await listPools(database, filter, readPage(given), readOrderBy(given.order_by, POOL_ORDER, 'id'));
    return { pools: rows.map(toPoolResponse), total_entries: total };
  },
});

/** One pool. */
export const getPool = apiRoute({
  operationId: 'get_pool',
  method: 'GET',
  url: POOL_URL,
  policy: { kind: 'role', atLeast: 'viewer', resource: 'pool', action: 'read' },
  params: poolParams,
  response: poolResponse,
  handler: ({ params }, { database }) => requirePool(database, params.pool_name),
});

/** Makes a pool. */
export const postPool = apiRoute({
  operationId: 'post_pool',
  method: 'POST',
  url: '/api/v2/pools',
  policy: { kind: 'role', atLeast: 'op', resource: 'pool', action: 'create' },
  body: z.strictObject({
    name: poolName,
    slots,
    description: text.nullish(),
    include_deferred: z.boolean().default(false),
    team_name: z.null().optional(),
  }),
  status: 201,
  response: poolResponse,
  async handler({ body }, parts) {
    const pool = { name: body.name, slots: body.slots, description: body.description ?? '', includeDeferred: body.include_deferred };
    if ((await createPool(parts.database, pool)) === 'already_exists') {
      throw new TradewindError('already_exists', `The pool '${body.name}' exists already: PATCH it.`);
    }
    parts.wake();
    return requirePool(parts.database, body.name);
  },
});

const FIELDS = ['pool', 'name', 'slots', 'description', 'include_deferred', 'team_name'] as const;

/** Changes a pool. Its name stays: task instances know it by its name. */
export const patchPool = apiRoute({
  operationId: 'patch_pool',
  method: 'PATCH',
  url: POOL_URL,
  policy: { kind: 'role', atLeast: 'op', resource: 'pool', action: 'edit' },
  params: poolParams,
  query: z.object({ update_mask: list(text) }),
  body: z.strictObject({
    pool: text.nullish(),
    name: text.nullish(),
    slots: slots.nullish(),
    description: text.nullish(),
    include_deferred: z.boolean().nullish(),
    team_name: z.null().optional(),
  }),
  response: poolResponse,
  async handler({ params, query: given, body }, parts) {
    const name = params.pool_name;
    const unknown = given.update_mask.filter((field) => !FIELDS.some((known) => known === field));
    if (unknown.length > 0) throw new TradewindError('bad_request', `A pool has no ${unknown.join(', ')}; there are ${FIELDS.join(', ')}`);
    const isMeant = (field: string): boolean => given.update_mask.length === 0 || given.update_mask.includes(field);
    const newName = body.pool ?? body.name ?? name;
    if (newName !== name) throw new TradewindError('bad_request', "Invalid body, pool name from request body doesn't match uri parameter");
    if (name === DEFAULT_POOL && typeof body.description === 'string' && isMeant('description')) {
      throw new TradewindError('bad_request', 'Only slots and include_deferred can be modified on Default Pool');
    }
    const outcome = await changePool(parts.database, name, {
      ...(typeof body.slots === 'number' && isMeant('slots') ? { slots: body.slots } : {}),
      ...(typeof body.description === 'string' && isMeant('description') ? { description: body.description } : {}),
      ...(typeof body.include_deferred === 'boolean' && isMeant('include_deferred') ? { includeDeferred: body.include_deferred } : {}),
    });
    if (outcome === 'not_found') throw unknownPool(name);
    parts.wake();
    return requirePool(parts.database, name);
  },
});

/** Deletes a pool. What waits for it goes on waiting, until there is one of that name again. */
export const deletePoolRoute = emptyRoute({
  operationId: 'delete_pool',
  method: 'DELETE',
  url: POOL_URL,
  policy: { kind: 'role', atLeast: 'op', resource: 'pool', action: 'delete' },
  params: poolParams,
  async handler({ params }, { database, wake }) {
    switch (await deletePool(database, params.pool_name)) {
      case 'is_default':
        throw new TradewindError('bad_request', "Default Pool can't be deleted");
      case 'not_found':
        throw unknownPool(params.pool_name);
      case 'deleted':
        wake();
    }
  },
});

async function requirePool(database: Database, name: string): Promise<z.input<typeof poolResponse>> {
  const pool = await findPool(database, name);
  if (pool === undefined) throw unknownPool(name);
  return toPoolResponse(pool);
}

function unknownPool(name: string): TradewindError {
  return new TradewindError('not_found', `The Pool with name: \`${name}\` was not found`);
}

/** Without a limit the open slots are -1, as in Airflow; in a pool that was made smaller than what is in it they are negative until that has ended. */
function toPoolResponse(pool: PoolSummary): z.input<typeof poolResponse> {
  const occupied = pool.runningSlots + pool.queuedSlots + (pool.includeDeferred ? pool.deferredSlots : 0);
  return {
    name: pool.name,
    slots: pool.slots,
    description: pool.description,
    include_deferred: pool.includeDeferred,
    occupied_slots: occupied,
    running_slots: pool.runningSlots,
    queued_slots: pool.queuedSlots,
    scheduled_slots: pool.scheduledSlots,
    open_slots: pool.slots === -1 ? -1 : pool.slots - occupied,
    deferred_slots: pool.deferredSlots,
    team_name: null,
  };
}
