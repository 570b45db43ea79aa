import { DAG_RUN_STATES, timetableOf } from '@tradewind/protocol';
import { z } from 'zod';
import { nameTimetable } from '../../model/timetables/describe-schedule.ts';
import { runAt, runDueAt } from '../../model/timetables/next-run.ts';
import { isTicking } from '../../model/timetables/ticks.ts';
import { TradewindError } from '../../platform/errors.ts';
import { DAG_ORDER, findDag, listDags, type DagSummary } from '../../store/reads/dags.ts';
import { setDagPaused } from '../../store/transitions/set-dag-paused.ts';
import { writeInstant, writeInstantOrNull } from '../instants.ts';
import { list, oneOf, optional, pageQuery, query, readOrderBy, readPage, text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';
import { writeFileToken } from './dag-files.ts';

const instant = z.string();

/** A dag as lists show it. */
export const dagResponse = z.object({
  dag_id: z.string(),
  dag_display_name: z.string(),
  is_paused: z.boolean(),
  is_stale: z.boolean(),
  last_parsed_time: instant,
  last_parse_duration: z.number(),
  last_expired: z.null(),
  bundle_name: z.string(),
  bundle_version: z.string(),
  relative_fileloc: z.string(),
  fileloc: z.string(),
  description: z.string().nullable(),
  timetable_summary: z.string().nullable(),
  timetable_description: z.string().nullable(),
  timetable_partitioned: z.boolean(),
  timetable_periodic: z.boolean(),
  tags: z.array(z.object({ name: z.string(), dag_id: z.string(), dag_display_name: z.string() })),
  max_active_tasks: z.int(),
  max_active_runs: z.int(),
  max_consecutive_failed_dag_runs: z.int(),
  has_task_concurrency_limits: z.boolean(),
  has_import_errors: z.boolean(),
  next_dagrun_logical_date: instant.nullable(),
  next_dagrun_data_interval_start: instant.nullable(),
  next_dagrun_data_interval_end: instant.nullable(),
  next_dagrun_run_after: instant.nullable(),
  allowed_run_types: z.null(),
  owners: z.array(z.string()),
  is_backfillable: z.boolean(),
  file_token: z.string(),
});

/** Lists the dags that the caller may read. */
export const getDags = apiRoute({
  operationId: 'get_dags',
  method: 'GET',
  url: '/api/v2/dags',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag', action: 'read' },
  query: z.object({
    ...pageQuery,
    tags: query.texts,
    tags_match_mode: optional(oneOf(['any', 'all'])),
    owners: query.texts,
    dag_id_pattern: query.text,
    dag_id_prefix_pattern: query.text,
    dag_display_name_pattern: query.text,
    dag_display_name_prefix_pattern: query.text,
    exclude_stale: query.boolean,
    paused: query.boolean,
    has_import_errors: query.boolean,
    has_asset_schedule: query.boolean,
    asset_dependency: query.text,
    bundle_name: query.text,
    bundle_version: query.text,
    last_dag_run_state: optional(oneOf(DAG_RUN_STATES)),
  }),
  unservedParameters: [
    'dag_run_start_date_gte',
    'dag_run_start_date_gt',
    'dag_run_start_date_lte',
    'dag_run_start_date_lt',
    'dag_run_end_date_gte',
    'dag_run_end_date_gt',
    'dag_run_end_date_lte',
    'dag_run_end_date_lt',
    'dag_run_state',
    'is_favorite',
    'timetable_type',
  ],
  response: z.object({ dags: z.array(dagResponse), total_entries: z.int() }),
  async handler({ query: given }, { database }, { principal }) {
    const filter = {
      readable: principal.readableDags,
      tags: given.tags,
      tagsMatchMode: given.tags_match_mode,
      owners: given.owners,
      dagIdPattern: given.dag_id_pattern,
      dagIdPrefixPattern: given.dag_id_prefix_pattern,
      displayNamePattern: given.dag_display_name_pattern,
      displayNamePrefixPattern: given.dag_display_name_prefix_pattern,
      excludeStale: given.exclude_stale ?? true,
      isPaused: given.paused,
      hasImportErrors: given.has_import_errors,
      hasAssetSchedule: given.has_asset_schedule,
      assetDependency: given.asset_dependency,
      bundleName: given.bundle_name,
      bundleVersion: given.bundle_version,
      lastRunState: given.last_dag_run_state,
    };
    const { rows, total } = await listDags(database, filter, readPage(given), readOrderBy(given.order_by, DAG_ORDER, 'dag_id'));
    return { dags: rows.map(toDagResponse), total_entries: total };
  },
});

/** One dag. */
export const getDag = apiRoute({
  operationId: 'get_dag',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag', action: 'read' },
  params: z.object({ dag_id: text }),
  response: dagResponse,
  async handler({ params }, { database }) {
    const dag = await findDag(database, params.dag_id);
    if (dag === undefined) throw new TradewindError('not_found', `The Dag with ID: \`${params.dag_id}\` was not found`);
    return toDagResponse(dag);
  },
});

/** Turns a dag off or on. */
export const patchDag = apiRoute({
  operationId: 'patch_dag',
  method: 'PATCH',
  url: '/api/v2/dags/{dag_id}',
  policy: { kind: 'role', atLeast: 'user', resource: 'dag', action: 'edit' },
  params: z.object({ dag_id: text }),
  query: z.object({ update_mask: list(text) }),
  body: z.strictObject({ is_paused: z.boolean() }),
  response: dagResponse,
  async handler({ params, query: given, body }, { database, clock, wake }) {
    if (given.update_mask.some((field) => field !== 'is_paused')) {
      throw new TradewindError('bad_request', 'Only `is_paused` field can be updated through the REST API');
    }
    if ((await setDagPaused(database, params.dag_id, body.is_paused, clock.now())) === 'changed') wake();
    const dag = await findDag(database, params.dag_id);
    if (dag === undefined) throw new TradewindError('not_found', `Dag with id: ${params.dag_id} was not found`);
    return toDagResponse(dag);
  },
});

/** A dag as lists show it. */
export function toDagResponse(dag: DagSummary): z.input<typeof dagResponse> {
  const timetable = timetableOf(dag.schedule);
  const nextRun =
    dag.nextRunAt === null || timetable === undefined ? undefined : (runDueAt(timetable, dag.nextRunAt) ?? runAt(dag.nextRunAt));
  return {
    dag_id: dag.dagId,
    dag_display_name: dag.displayName,
    is_paused: dag.isPaused,
    is_stale: dag.isStale,
    last_parsed_time: writeInstant(dag.parsedAt),
    last_parse_duration: dag.parseMs / 1_000,
    last_expired: null,
    bundle_name: dag.bundleName,
    bundle_version: dag.bundleVersion,
    relative_fileloc: dag.file,
    fileloc: dag.file,
    description: dag.description,
    timetable_summary: nameTimetable(dag.schedule),
    timetable_description: dag.scheduleSummary,
    timetable_partitioned: false,
    timetable_periodic: timetable !== undefined && isTicking(timetable),
    tags: dag.tags.map((name) => ({ name, dag_id: dag.dagId, dag_display_name: dag.displayName })),
    max_active_tasks: dag.maxActiveTasks,
    max_active_runs: dag.maxActiveRuns,
    max_consecutive_failed_dag_runs: 0,
    has_task_concurrency_limits: false,
    has_import_errors: dag.hasImportErrors,
    next_dagrun_logical_date: writeInstantOrNull(nextRun?.logicalAt ?? null),
    next_dagrun_data_interval_start: writeInstantOrNull(nextRun?.intervalStartAt ?? null),
    next_dagrun_data_interval_end: writeInstantOrNull(nextRun?.intervalEndAt ?? null),
    next_dagrun_run_after: writeInstantOrNull(nextRun?.runAfterAt ?? null),
    allowed_run_types: null,
    owners: dag.owner === null ? [] : [dag.owner],
    is_backfillable: timetable !== undefined && isTicking(timetable),
    file_token: writeFileToken(dag.place),
  };
}
