import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { findAsset } from '../../store/reads/assets.ts';
import { listQueuedEvents, type QueuedEventFilter, type QueuedEventSummary } from '../../store/reads/queued-events.ts';
import { discardQueuedEvents } from '../../store/transitions/discard-queued-events.ts';
import type { ApiParts } from '../api-parts.ts';
import type { Principal } from '../auth/principal.ts';
import { writeInstant } from '../instants.ts';
import { authorizeDag } from '../policy.ts';
import { instantText, integer, optional, text } from '../query-schemas.ts';
import { apiRoute, emptyRoute } from '../route.ts';

const queuedEventResponse = z.object({
  dag_id: z.string(),
  asset_id: z.int(),
  created_at: z.string(),
  dag_display_name: z.string(),
});
const queuedEventsResponse = z.object({ queued_events: z.array(queuedEventResponse), total_entries: z.int() });

const READ = { kind: 'role', atLeast: 'viewer', resource: 'asset event', action: 'read' } as const;
const DELETE = { kind: 'role', atLeast: 'op', resource: 'asset event', action: 'delete' } as const;
const before = z.object({ before: optional(instantText) });
const ofAsset = z.object({ asset_id: integer() });
const ofDag = z.object({ dag_id: text });
const ofDagAndAsset = ofDag.extend(ofAsset.shape);

/** Lists the dags for which events of an asset wait. */
export const getAssetQueuedEvents = apiRoute({
  operationId: 'get_asset_queued_events',
  method: 'GET',
  url: '/api/v2/assets/{asset_id}/queuedEvents',
  policy: READ,
  params: ofAsset,
  query: before,
  response: queuedEventsResponse,
  handler: ({ params, query }, { database }, { principal }) =>
    list({ database, principal }, { assetId: params.asset_id, before: query.before }),
});

/** Lists the assets of which events wait for a dag. */
export const getDagAssetQueuedEvents = apiRoute({
  operationId: 'get_dag_asset_queued_events',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/assets/queuedEvents',
  policy: READ,
  params: ofDag,
  query: before,
  response: queuedEventsResponse,
  handler({ params, query }, { database }, { principal }) {
    authorizeDag(principal, params.dag_id);
    return list({ database, principal }, { dagId: params.dag_id, before: query.before });
  },
});

/** Whether events of an asset wait for a dag. */
export const getDagAssetQueuedEvent = apiRoute({
  operationId: 'get_dag_asset_queued_event',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents',
  policy: READ,
  params: ofDagAndAsset,
  query: before,
  response: queuedEventResponse,
  async handler({ params, query }, { database }, { principal }) {
    authorizeDag(principal, params.dag_id);
    const wanted = { dagId: params.dag_id, assetId: params.asset_id, before: query.before };
    const [found] = await listQueuedEvents(database, wanted, principal.readableDags);
    if (found === undefined) throw nothingQueued(wanted);
    return toQueuedEventResponse(found);
  },
});

/** Discards the events of an asset that wait for any dag. */
export const deleteAssetQueuedEvents = emptyRoute({
  operationId: 'delete_asset_queued_events',
  method: 'DELETE',
  url: '/api/v2/assets/{asset_id}/queuedEvents',
  policy: DELETE,
  params: ofAsset,
  query: before,
  async handler({ params, query }, parts, { principal }) {
    const asset = await findAsset(parts.database, params.asset_id, principal.readableDags);
    if (asset === undefined) throw nothingQueued({ assetId: params.asset_id });
    await discard(parts, principal, { assetId: params.asset_id, before: query.before });
  },
});

/** Discards the events that wait for a dag. */
export const deleteDagAssetQueuedEvents = emptyRoute({
  operationId: 'delete_dag_asset_queued_events',
  method: 'DELETE',
  url: '/api/v2/dags/{dag_id}/assets/queuedEvents',
  policy: DELETE,
  params: ofDag,
  query: before,
  async handler({ params, query }, parts, { principal }) {
    authorizeDag(principal, params.dag_id);
    await discard(parts, principal, { dagId: params.dag_id, before: query.before });
  },
});

/** Discards the events of an asset that wait for a dag. */
export const deleteDagAssetQueuedEvent = emptyRoute({
  operationId: 'delete_dag_asset_queued_event',
  method: 'DELETE',
  url: '/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents',
  policy: DELETE,
  params: ofDagAndAsset,
  query: before,
  async handler({ params, query }, parts, { principal }) {
    authorizeDag(principal, params.dag_id);
    await discard(parts, principal, { dagId: params.dag_id, assetId: params.asset_id, before: query.before });
  },
});

async function list(
  { database, principal }: Pick<ApiParts, 'database'> & { readonly principal: Principal },
  filter: QueuedEventFilter,
): Promise<z.input<typeof queuedEventsResponse>> {
  const rows = await listQueuedEvents(database, filter, principal.readableDags);
  return { queued_events: rows.map(toQueuedEventResponse), total_entries: rows.length };
}

/** Throws where there was nothing to discard, as Airflow does. */
async function discard({ database }: ApiParts, { readableDags, username }: Principal, filter: QueuedEventFilter): Promise<void> {
  const count = await discardQueuedEvents(database, { ...filter, dagIds: readableDags, username });
  if (count === 0) throw nothingQueued(filter);
}

function nothingQueued({ dagId, assetId }: QueuedEventFilter): TradewindError {
  const what = [dagId === undefined ? [] : [`dag_id: \`${dagId}\``], assetId === undefined ? [] : [`asset_id: \`${assetId}\``]].flat();
  return new TradewindError('not_found', `Queued event with ${what.join(' and ')} was not found`);
}

function toQueuedEventResponse({ dagId, assetId, queuedAt, dagDisplayName }: QueuedEventSummary): z.input<typeof queuedEventResponse> {
  return { dag_id: dagId, asset_id: assetId, created_at: writeInstant(queuedAt), dag_display_name: dagDisplayName ?? dagId };
}
