import { DAG_RUN_STATES } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import { DAG_RUN_ORDER, findDagRun, listDagRuns, type DagRunSummary, type RunDagVersion } from '../../store/reads/dag-runs.ts';
import { findDag } from '../../store/reads/dags.ts';
import type { Database } from '../../store/database.ts';
import { durationSeconds, writeInstant, writeInstantOrNull } from '../instants.ts';
import { instantRange, list, numberRange, oneOf, pageQuery, query, readOrderBy, readPage, readRange, text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';
import { WILDCARD } from '../wildcard.ts';

/** Airflow's, of which we make three. */
const RUN_TYPES = ['backfill', 'scheduled', 'manual', 'operator_triggered', 'asset_triggered', 'asset_materialization'] as const;

/** The version of a dag in a response. */
export const dagVersionResponse = z.object({
  id: z.string(),
  version_number: z.int(),
  dag_id: z.string(),
  bundle_name: z.string(),
  bundle_version: z.string(),
  created_at: z.string(),
  dag_display_name: z.string(),
  bundle_url: z.null(),
});

const instant = z.string();

/** A dag run in a response. */
export const dagRunResponse = z.object({
  dag_run_id: z.string(),
  dag_id: z.string(),
  logical_date: instant.nullable(),
  queued_at: instant,
  start_date: instant.nullable(),
  end_date: instant.nullable(),
  duration: z.number().nullable(),
  data_interval_start: instant.nullable(),
  data_interval_end: instant.nullable(),
  run_after: instant,
  last_scheduling_decision: instant.nullable(),
  run_type: z.string(),
  state: z.string(),
  triggered_by: z.string(),
  triggering_user_name: z.string().nullable(),
  conf: z.record(z.string(), z.unknown()),
  note: z.string().nullable(),
  dag_versions: z.array(dagVersionResponse),
  bundle_version: z.string(),
  dag_display_name: z.string(),
  partition_key: z.null(),
  partition_date: z.null(),
});

/** Lists the runs of a dag, or of every dag that the caller may read. */
export const getDagRuns = apiRoute({
  operationId: 'get_dag_runs',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag run', action: 'read' },
  params: z.object({ dag_id: text }),
  query: z.object({
    ...pageQuery,
    ...instantRange('run_after'),
    ...instantRange('logical_date'),
    ...instantRange('start_date'),
    ...instantRange('end_date'),
    ...numberRange('duration'),
    state: list(oneOf(DAG_RUN_STATES)),
    run_type: list(oneOf(RUN_TYPES)),
    dag_version: query.integers,
    bundle_version: query.text,
    conf_contains: query.text,
    run_id_pattern: query.text,
    run_id_prefix_pattern: query.text,
    dag_id_pattern: query.text,
    dag_id_prefix_pattern: query.text,
    triggering_user_name_pattern: query.text,
    triggering_user_name_prefix_pattern: query.text,
  }),
  unservedParameters: [
    'cursor',
    'consuming_asset_pattern',
    'partition_date_gte',
    'partition_date_lte',
    'partition_key_pattern',
    'partition_key_prefix_pattern',
    'updated_at_gte',
    'updated_at_gt',
    'updated_at_lte',
    'updated_at_lt',
  ],
  response: z.object({
    dag_runs: z.array(dagRunResponse),
    total_entries: z.int(),
    total_entries_limit: z.null(),
    next_cursor: z.null(),
    previous_cursor: z.null(),
  }),
  async handler({ params, query: given }, { database }, { principal }) {
    const dagId = await readDagId(database, params.dag_id);
    const filter = {
      readable: principal.readableDags,
      dagId,
      dagIdPattern: given.dag_id_pattern,
      dagIdPrefixPattern: given.dag_id_prefix_pattern,
      runIdPattern: given.run_id_pattern,
      runIdPrefixPattern: given.run_id_prefix_pattern,
      triggeringUserPattern: given.triggering_user_name_pattern,
      triggeringUserPrefixPattern: given.triggering_user_name_prefix_pattern,
      confContains: given.conf_contains,
      states: given.state,
      runTypes: given.run_type,
      dagVersionNumbers: given.dag_version,
      bundleVersion: given.bundle_version,
      runAfter: readRange(given, 'run_after'),
      logicalDate: readRange(given, 'logical_date'),
      startDate: readRange(given, 'start_date'),
      endDate: readRange(given, 'end_date'),
      duration: readRange(given, 'duration'),
    };
    const { rows, total } = await listDagRuns(database, filter, readPage(given), readOrderBy(given.order_by, DAG_RUN_ORDER, 'id'));
    return {
      dag_runs: rows.map(toDagRunResponse),
      total_entries: total,
      total_entries_limit: null,
      next_cursor: null,
      previous_cursor: null,
    };
  },
});

/** One run. */
export const getDagRun = apiRoute({
  operationId: 'get_dag_run',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag run', action: 'read' },
  params: z.object({ dag_id: text, dag_run_id: text }),
  response: dagRunResponse,
  async handler({ params }, { database }) {
    return toDagRunResponse(await requireDagRun(database, params.dag_id, params.dag_run_id));
  },
});

/**
 * Reads the dag of a path; `~` is every dag.
 * @throws TradewindError `not_found` for a dag that does not exist
 */
export async function readDagId(database: Database, dagId: string): Promise<string | undefined> {
  if (dagId === WILDCARD) return undefined;
  if ((await findDag(database, dagId)) === undefined) throw new TradewindError('not_found', `The Dag with ID: \`${dagId}\` was not found`);
  return dagId;
}

/**
 * Finds a run.
 * @throws TradewindError `not_found`
 */
export async function requireDagRun(database: Database, dagId: string, runId: string): Promise<DagRunSummary> {
  const run = await findDagRun(database, dagId, runId);
  if (run !== undefined) return run;
  throw new TradewindError('not_found', `The DagRun with dag_id: \`${dagId}\` and run_id: \`${runId}\` was not found`);
}

/** A dag run as Airflow writes it. */
export function toDagRunResponse(run: DagRunSummary): z.input<typeof dagRunResponse> {
  return {
    dag_run_id: run.runId,
    dag_id: run.dagId,
    logical_date: writeInstantOrNull(run.logicalAt),
    queued_at: writeInstant(run.queuedAt),
    start_date: writeInstantOrNull(run.startedAt),
    end_date: writeInstantOrNull(run.endedAt),
    duration: durationSeconds(run.startedAt, run.endedAt),
    data_interval_start: writeInstantOrNull(run.intervalStartAt),
    data_interval_end: writeInstantOrNull(run.intervalEndAt),
    run_after: writeInstant(run.runAfterAt),
    last_scheduling_decision: writeInstantOrNull(run.lastScheduledAt),
    run_type: run.runType,
    state: run.state,
    triggered_by: run.triggeredBy,
    triggering_user_name: run.triggeringUser,
    conf: { ...run.conf },
    note: run.note,
    dag_versions: [toDagVersionResponse(run)],
    bundle_version: run.bundleVersion,
    dag_display_name: run.dagDisplayName,
    partition_key: null,
    partition_date: null,
  };
}

/** The version that a run, or a task instance of it, is on. */
export function toDagVersionResponse(row: {
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly dagVersion: RunDagVersion;
}): z.input<typeof dagVersionResponse> {
  return {
    id: row.dagVersion.id,
    version_number: row.dagVersion.versionNumber,
    dag_id: row.dagId,
    bundle_name: row.dagVersion.bundleName,
    bundle_version: row.dagVersion.bundleVersion,
    created_at: writeInstant(row.dagVersion.createdAt),
    dag_display_name: row.dagDisplayName,
    bundle_url: null,
  };
}
