import type { JsonObject } from '@tradewind/protocol';
import { z } from 'zod';
import { DEFAULT_BACKFILL_MAX_ACTIVE_RUNS, REPROCESS_BEHAVIORS } from '../../model/backfill/backfill.ts';
import { TradewindError } from '../../platform/errors.ts';
import { BACKFILL_ORDER, findBackfill, listBackfills, type BackfillSummary } from '../../store/reads/backfills.ts';
import { cancelBackfill, setBackfillPaused, type ChangeBackfillOutcome } from '../../store/transitions/change-backfill.ts';
import type { ApiParts } from '../api-parts.ts';
import { askForBackfill, previewBackfill, type BackfillRequest } from '../ask-for-backfill.ts';
import type { Principal } from '../auth/principal.ts';
import { writeInstant, writeInstantOrNull } from '../instants.ts';
import { authorizeDag, type Policy } from '../policy.ts';
import { instantText, integer, pageQuery, readOrderBy, readPage, text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';

const MOST_ACTIVE_RUNS = 1_000_000;

const backfillResponse = z.object({
  id: z.int(),
  dag_id: z.string(),
  from_date: z.string(),
  to_date: z.string(),
  dag_run_conf: z.record(z.string(), z.unknown()).nullable(),
  is_paused: z.boolean(),
  reprocess_behavior: z.enum(REPROCESS_BEHAVIORS),
  max_active_runs: z.int(),
  created_at: z.string(),
  completed_at: z.string().nullable(),
  updated_at: z.string(),
  dag_display_name: z.string(),
});

const backfillBody = z.strictObject({
  dag_id: text,
  from_date: instantText,
  to_date: instantText,
  run_backwards: z.boolean().default(false),
  dag_run_conf: z.record(z.string(), z.unknown()).nullish(),
  reprocess_behavior: z.enum(REPROCESS_BEHAVIORS).default('none'),
  max_active_runs: z.int().min(1).max(MOST_ACTIVE_RUNS).default(DEFAULT_BACKFILL_MAX_ACTIVE_RUNS),
  run_on_latest_version: z.boolean().nullish(),
});

/** Backfills are runs: who may create runs may create them (Airflow's permission). */
const mayCreate: Policy = { kind: 'role', atLeast: 'user', resource: 'dag run', action: 'create' };
const mayEdit: Policy = { kind: 'role', atLeast: 'user', resource: 'dag run', action: 'edit' };
const mayRead: Policy = { kind: 'role', atLeast: 'viewer', resource: 'dag run', action: 'read' };

const backfillParams = z.object({ backfill_id: integer({ minimum: 0 }) });

/** Lists the backfills of a dag. */
export const getBackfills = apiRoute({
  operationId: 'list_backfills',
  method: 'GET',
  url: '/api/v2/backfills',
  policy: mayRead,
  query: z.object({ dag_id: text, ...pageQuery }),
  response: z.object({ backfills: z.array(backfillResponse), total_entries: z.int() }),
  async handler({ query }, { database }, { principal }) {
    const filter = { readable: principal.readableDags, dagId: query.dag_id };
    const { rows, total } = await listBackfills(database, filter, readPage(query), readOrderBy(query.order_by, BACKFILL_ORDER, 'id'));
    return { backfills: rows.map(toBackfillResponse), total_entries: total };
  },
});

/** One backfill. */
export const getBackfill = apiRoute({
  operationId: 'get_backfill',
  method: 'GET',
  url: '/api/v2/backfills/{backfill_id}',
  policy: mayRead,
  params: backfillParams,
  response: backfillResponse,
  async handler({ params }, parts, { principal }) {
    return toBackfillResponse(await requireBackfill(parts, principal, params.backfill_id));
  },
});

/** Creates a backfill. */
export const postBackfill = apiRoute({
  operationId: 'create_backfill',
  method: 'POST',
  url: '/api/v2/backfills',
  policy: mayCreate,
  body: backfillBody,
  response: backfillResponse,
  async handler({ body }, parts, { principal }) {
    authorizeDag(principal, body.dag_id);
    const id = await askForBackfill(parts, toRequest(body, principal));
    return toBackfillResponse(await requireBackfill(parts, principal, id));
  },
});

/** Says which dates a backfill would run, and creates nothing. */
export const postBackfillDryRun = apiRoute({
  operationId: 'create_backfill_dry_run',
  method: 'POST',
  url: '/api/v2/backfills/dry_run',
  policy: mayCreate,
  body: backfillBody,
  response: z.object({
    backfills: z.array(z.object({ logical_date: z.string(), partition_key: z.null(), partition_date: z.null() })),
    total_entries: z.int(),
  }),
  async handler({ body }, parts, { principal }) {
    authorizeDag(principal, body.dag_id);
    const runs = await previewBackfill(parts, toRequest(body, principal));
    const backfills = runs.map(({ logicalAt }) => ({ logical_date: writeInstant(logicalAt), partition_key: null, partition_date: null }));
    return { backfills, total_entries: runs.length };
  },
});

/** Makes and starts no more runs of a backfill. */
export const pauseBackfill = changeRoute('pause', (parts, id) => setBackfillPaused(parts.database, id, true, parts.clock.now()));

/** Goes on with a backfill. */
export const unpauseBackfill = changeRoute('unpause', (parts, id) => setBackfillPaused(parts.database, id, false, parts.clock.now()));

/** Ends a backfill; its runs that have not started fail. */
export const cancelBackfillRoute = changeRoute('cancel', (parts, id) => cancelBackfill(parts.database, id, parts.clock.now()));

function changeRoute(verb: 'pause' | 'unpause' | 'cancel', change: (parts: ApiParts, id: number) => Promise<ChangeBackfillOutcome>) {
  return apiRoute({
    operationId: `${verb}_backfill`,
    method: 'PUT',
    url: `/api/v2/backfills/{backfill_id}/${verb}`,
    policy: mayEdit,
    params: backfillParams,
    response: backfillResponse,
    async handler({ params }, parts, { principal }) {
      const { id } = await requireBackfill(parts, principal, params.backfill_id);
      const outcome = await change(parts, id);
      if (outcome === 'completed') throw new TradewindError('conflict', 'Backfill is already completed.');
      if (outcome === 'changed') parts.wake();
      return toBackfillResponse(await requireBackfill(parts, principal, id));
    },
  });
}

/**
 * Finds a backfill. Whoever may not read its dag does not learn that it exists (Airflow 3.3.2).
 * @throws TradewindError `not_found`
 */
async function requireBackfill({ database }: ApiParts, principal: Principal, id: number): Promise<BackfillSummary> {
  const backfill = await findBackfill(database, id, principal.readableDags);
  if (backfill !== undefined) return backfill;
  throw new TradewindError('not_found', `Backfill not found: there is none with the id ${id}`);
}

function toRequest(body: z.output<typeof backfillBody>, { username }: Principal): BackfillRequest {
  return {
    dagId: body.dag_id,
    fromAt: body.from_date,
    toAt: body.to_date,
    isBackwards: body.run_backwards,
    conf: (body.dag_run_conf ?? null) as JsonObject | null,
    reprocessBehavior: body.reprocess_behavior,
    maxActiveRuns: body.max_active_runs,
    runOnLatestVersion: body.run_on_latest_version ?? true,
    username,
  };
}

function toBackfillResponse(backfill: BackfillSummary): z.input<typeof backfillResponse> {
  return {
    id: backfill.id,
    dag_id: backfill.dagId,
    from_date: writeInstant(backfill.fromAt),
    to_date: writeInstant(backfill.toAt),
    dag_run_conf: backfill.conf === null ? null : { ...backfill.conf },
    is_paused: backfill.isPaused,
    reprocess_behavior: backfill.reprocessBehavior,
    max_active_runs: backfill.maxActiveRuns,
    created_at: writeInstant(backfill.createdAt),
    completed_at: writeInstantOrNull(backfill.completedAt),
    updated_at: writeInstant(backfill.updatedAt),
    dag_display_name: backfill.dagDisplayName,
  };
}
