import type { JsonObject } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { ASSET_EVENT_ORDER, listAssetEvents, type AssetEventSummary, type CreatedRun } from '../../store/reads/asset-events.ts';
import { findAsset } from '../../store/reads/assets.ts';
import { reportAssetEvent } from '../report-asset-event.ts';
import { writeInstant, writeInstantOrNull } from '../instants.ts';
import { instantRange, pageQuery, query, readOrderBy, readPage, readRange } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';

const createdRun = z.object({
  run_id: z.string(),
  dag_id: z.string(),
  logical_date: z.string().nullable(),
  start_date: z.string(),
  end_date: z.string().nullable(),
  state: z.string(),
  data_interval_start: z.string().nullable(),
  data_interval_end: z.string().nullable(),
  partition_key: z.null(),
  triggering: z.boolean(),
});

const assetEventResponse = z.object({
  id: z.int(),
  asset_id: z.int(),
  uri: z.string(),
  name: z.string(),
  group: z.string(),
  extra: z.record(z.string(), z.unknown()).nullable(),
  source_task_id: z.string().nullable(),
  source_dag_id: z.string().nullable(),
  source_run_id: z.string().nullable(),
  source_map_index: z.int(),
  created_dagruns: z.array(createdRun),
  timestamp: z.string(),
  partition_key: z.null(),
});

/** Lists asset events with the runs that they started. */
export const getAssetEvents = apiRoute({
  operationId: 'get_asset_events',
  method: 'GET',
  url: '/api/v2/assets/events',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'asset event', action: 'read' },
  query: z.object({
    ...pageQuery,
    ...instantRange('timestamp'),
    asset_id: query.integer,
    source_dag_id: query.text,
    source_task_id: query.text,
    source_run_id: query.text,
    source_map_index: query.integer,
    name_pattern: query.text,
    name_prefix_pattern: query.text,
  }),
  response: z.object({ asset_events: z.array(assetEventResponse), total_entries: z.int() }),
  async handler({ query: given }, { database }, { principal }) {
    const filter = {
      readable: principal.readableDags,
      assetId: given.asset_id,
      sourceDagId: given.source_dag_id,
      sourceTaskId: given.source_task_id,
      sourceRunId: given.source_run_id,
      sourceMapIndex: given.source_map_index,
      namePattern: given.name_pattern,
      namePrefixPattern: given.name_prefix_pattern,
      timestamp: readRange(given, 'timestamp'),
    };
    const orderBy = readOrderBy(given.order_by, ASSET_EVENT_ORDER, 'timestamp');
    const { rows, total } = await listAssetEvents(database, filter, readPage(given), orderBy);
    return { asset_events: rows.map(toAssetEventResponse), total_entries: total };
  },
});

/** Reports that something happened to an asset, which starts the dags that are scheduled on it. */
export const createAssetEvent = apiRoute({
  operationId: 'create_asset_event',
  method: 'POST',
  url: '/api/v2/assets/events',
  policy: { kind: 'role', atLeast: 'op', resource: 'asset event', action: 'create' },
  body: z.strictObject({
    asset_id: z.int(),
    extra: z.record(z.string(), z.unknown()).optional(),
    partition_key: z.null().optional(),
    access_control: z.null().optional(),
  }),
  response: assetEventResponse,
  async handler({ body }, parts, { principal }) {
    const asset = await findAsset(parts.database, body.asset_id, principal.readableDags);
    if (asset === undefined) throw new TradewindError('not_found', `Asset with ID: \`${body.asset_id}\` was not found`);
    const eventKey = await reportAssetEvent(parts, { asset, extra: (body.extra ?? {}) as JsonObject });
    const { rows } = await listAssetEvents(parts.database, { readable: 'all', eventKey }, { limit: 1, offset: 0 });
    const [event] = rows;
    if (event === undefined) throw new TradewindError('not_found', `Asset with ID: \`${body.asset_id}\` was not found`);
    return toAssetEventResponse(event);
  },
});

function toAssetEventResponse(event: AssetEventSummary): z.input<typeof assetEventResponse> {
  const { extra } = event;
  return {
    id: event.id,
    asset_id: event.assetId,
    uri: event.assetUri,
    name: event.assetName,
    group: event.assetGroup,
    // Airflow's extra is an object or nothing; a message from elsewhere may carry any JSON.
    extra:
      extra === null || (typeof extra === 'object' && !Array.isArray(extra)) ? (extra as Record<string, unknown> | null) : { value: extra },
    source_task_id: event.sourceTaskId,
    source_dag_id: event.sourceDagId,
    source_run_id: event.sourceRunId,
    source_map_index: event.sourceMapIndex,
    created_dagruns: event.createdRuns.map(toCreatedRun),
    timestamp: writeInstant(event.occurredAt),
    partition_key: null,
  };
}

function toCreatedRun(run: CreatedRun): z.input<typeof createdRun> {
  return {
    run_id: run.runId,
    dag_id: run.dagId,
    logical_date: writeInstantOrNull(run.logicalAt),
    // Required by Airflow's schema; a run that still waits has not started yet.
    start_date: writeInstant(run.startedAt ?? run.runAfterAt),
    end_date: writeInstantOrNull(run.endedAt),
    state: run.state,
    data_interval_start: writeInstantOrNull(run.intervalStartAt),
    data_interval_end: writeInstantOrNull(run.intervalEndAt),
    partition_key: null,
    triggering: true,
  };
}
