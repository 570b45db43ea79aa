import { TASK_INSTANCE_STATES, type TaskInstanceState } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import type { Database } from '../../store/database.ts';
import {
  TASK_INSTANCE_ORDER,
  findTaskInstance,
  listTaskInstances,
  type TaskInstanceFilter,
  type TaskInstanceName,
  type TaskInstanceSummary,
} from '../../store/reads/task-instances.ts';
import type { Listed } from '../../store/reads/query-parts.ts';
import { durationSeconds, writeInstant, writeInstantOrNull } from '../instants.ts';
import {
  instantRange,
  integer,
  list,
  numberRange,
  oneOf,
  pageQuery,
  query,
  readOrderBy,
  readPage,
  readRange,
  text,
} from '../query-schemas.ts';
import { apiRoute } from '../route.ts';
import { WILDCARD } from '../wildcard.ts';
import { dagVersionResponse, readDagId, requireDagRun, toDagVersionResponse } from './dag-runs.ts';

/** Airflow's states, of which we have most; `none` and `no_status` are its words for null in a query. */
const STATES = [...TASK_INSTANCE_STATES, 'no_status', 'awaiting_input'] as const;

const instant = z.string();

/** A task instance in a response. */
export const taskInstanceResponse = z.object({
  id: z.string(),
  task_id: z.string(),
  dag_id: z.string(),
  dag_run_id: z.string(),
  map_index: z.int(),
  logical_date: instant.nullable(),
  run_after: instant,
  start_date: instant.nullable(),
  end_date: instant.nullable(),
  duration: z.number().nullable(),
  state: z.string().nullable(),
  try_number: z.int(),
  max_tries: z.int(),
  task_display_name: z.string(),
  dag_display_name: z.string(),
  hostname: z.string().nullable(),
  unixname: z.null(),
  pool: z.string(),
  pool_slots: z.int(),
  queue: z.string(),
  priority_weight: z.int(),
  operator: z.string(),
  operator_name: z.string(),
  queued_when: instant.nullable(),
  scheduled_when: instant.nullable(),
  pid: z.int().nullable(),
  executor: z.string().nullable(),
  executor_config: z.string(),
  note: z.string().nullable(),
  rendered_map_index: z.string().nullable(),
  rendered_fields: z.record(z.string(), z.unknown()),
  trigger: z.null(),
  triggerer_job: z.null(),
  dag_version: dagVersionResponse,
});

const listQuery = {
  ...pageQuery,
  ...instantRange('run_after'),
  ...instantRange('logical_date'),
  ...instantRange('start_date'),
  ...instantRange('end_date'),
  ...numberRange('duration'),
  state: list(oneOf(STATES)),
  pool: query.texts,
  pool_name_pattern: query.text,
  pool_name_prefix_pattern: query.text,
  queue: query.texts,
  queue_name_pattern: query.text,
  queue_name_prefix_pattern: query.text,
  executor: query.texts,
  version_number: query.integers,
  try_number: query.integers,
  operator: query.texts,
  operator_name_pattern: query.text,
  operator_name_prefix_pattern: query.text,
  map_index: query.integers,
  rendered_map_index_pattern: query.text,
  rendered_map_index_prefix_pattern: query.text,
} as const;

const UNSERVED = ['updated_at_gte', 'updated_at_gt', 'updated_at_lte', 'updated_at_lt'] as const;

const listQuerySchema = z.object(listQuery);

/** A list of task instances in a response. */
export const taskInstanceCollection = z.object({
  task_instances: z.array(taskInstanceResponse),
  total_entries: z.int(),
  total_entries_limit: z.null(),
  next_cursor: z.null(),
  previous_cursor: z.null(),
});

/** Lists the task instances of a run, of a dag, or of every dag that the caller may read. */
export const getTaskInstances = apiRoute({
  operationId: 'get_task_instances',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'task instance', action: 'read' },
  params: z.object({ dag_id: text, dag_run_id: text }),
  query: z.object({
    ...listQuery,
    task_id: query.text,
    task_display_name_pattern: query.text,
    task_display_name_prefix_pattern: query.text,
    dag_id_pattern: query.text,
    dag_id_prefix_pattern: query.text,
    run_id_pattern: query.text,
    run_id_prefix_pattern: query.text,
  }),
  unservedParameters: [...UNSERVED, 'cursor', 'task_group_id'],
  response: taskInstanceCollection,
  async handler({ params, query: given }, { database }, { principal }) {
    const path = await readPath(database, params);
    const filter = {
      ...readFilter(given),
      ...path,
      readable: principal.readableDags,
      taskId: given.task_id,
      taskIdPattern: given.task_display_name_pattern,
      taskIdPrefixPattern: given.task_display_name_prefix_pattern,
      dagIdPattern: given.dag_id_pattern,
      dagIdPrefixPattern: given.dag_id_prefix_pattern,
      runIdPattern: given.run_id_pattern,
      runIdPrefixPattern: given.run_id_prefix_pattern,
    };
    const orderBy = readOrderBy(given.order_by, TASK_INSTANCE_ORDER, 'map_index');
    return toTaskInstanceCollection(await listTaskInstances(database, filter, readPage(given), orderBy));
  },
});

/** Lists the task instances of a mapped task. */
export const getMappedTaskInstances = apiRoute({
  operationId: 'get_mapped_task_instances',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/listMapped',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'task instance', action: 'read' },
  params: z.object({ dag_id: text, dag_run_id: text, task_id: text }),
  query: listQuerySchema,
  unservedParameters: UNSERVED,
  response: taskInstanceCollection,
  async handler({ params, query: given }, { database }, { principal }) {
    const path = { dagId: params.dag_id, runId: params.dag_run_id, taskId: params.task_id };
    await requireTask(database, path);
    const filter = { ...readFilter(given), ...path, readable: principal.readableDags, isMapped: true };
    const orderBy = readOrderBy(given.order_by, TASK_INSTANCE_ORDER, 'map_index');
    return toTaskInstanceCollection(await listTaskInstances(database, filter, readPage(given), orderBy));
  },
});

/** One task instance that is not mapped. */
export const getTaskInstance = apiRoute({
  operationId: 'get_task_instance',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'task instance', action: 'read' },
  params: z.object({ dag_id: text, dag_run_id: text, task_id: text }),
  response: taskInstanceResponse,
  async handler({ params }, { database }) {
    const name = { dagId: params.dag_id, runId: params.dag_run_id, taskId: params.task_id, mapIndex: -1 };
    return toTaskInstanceResponse(await requireTaskInstance(database, name));
  },
});

/** One task instance of a mapped task. */
export const getMappedTaskInstance = apiRoute({
  operationId: 'get_mapped_task_instance',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'task instance', action: 'read' },
  params: z.object({ dag_id: text, dag_run_id: text, task_id: text, map_index: integer({ minimum: -1 }) }),
  response: taskInstanceResponse,
  async handler({ params }, { database }) {
    const name = { dagId: params.dag_id, runId: params.dag_run_id, taskId: params.task_id, mapIndex: params.map_index };
    return toTaskInstanceResponse(await requireTaskInstance(database, name));
  },
});

/**
 * Finds a task instance.
 * @throws TradewindError `not_found`
 */
export async function requireTaskInstance(database: Database, name: TaskInstanceName): Promise<TaskInstanceSummary> {
  const found = await findTaskInstance(database, name);
  if (found !== undefined) return found;
  throw new TradewindError(
    'not_found',
    `The Task Instance with dag_id: \`${name.dagId}\`, run_id: \`${name.runId}\` and task_id: \`${name.taskId}\` was not found`,
  );
}

/**
 * Finds the task instances of a task of a run.
 * @throws TradewindError `not_found` where the run has none of the task
 */
export async function requireTask(database: Database, name: Omit<TaskInstanceName, 'mapIndex'>): Promise<void> {
  await requireDagRun(database, name.dagId, name.runId);
  const { total } = await listTaskInstances(database, { ...name, readable: 'all' }, { limit: 1, offset: 0 });
  if (total > 0) return;
  throw new TradewindError('not_found', `Task id ${name.taskId} not found in run '${name.runId}' of dag '${name.dagId}'`);
}

/** A list of task instances as Airflow writes it. */
export function toTaskInstanceCollection({ rows, total }: Listed<TaskInstanceSummary>): z.input<typeof taskInstanceCollection> {
  return {
    task_instances: rows.map(toTaskInstanceResponse),
    total_entries: total,
    total_entries_limit: null,
    next_cursor: null,
    previous_cursor: null,
  };
}

function readFilter(given: z.output<typeof listQuerySchema>): Omit<TaskInstanceFilter, 'readable'> {
  return {
    states: given.state.map((state) => (state === 'no_status' ? 'none' : state) as TaskInstanceState),
    pools: given.pool,
    poolPattern: given.pool_name_pattern,
    poolPrefixPattern: given.pool_name_prefix_pattern,
    queues: given.queue,
    queuePattern: given.queue_name_pattern,
    queuePrefixPattern: given.queue_name_prefix_pattern,
    executors: given.executor,
    operators: given.operator,
    operatorPattern: given.operator_name_pattern,
    operatorPrefixPattern: given.operator_name_prefix_pattern,
    dagVersionNumbers: given.version_number,
    tryNumbers: given.try_number,
    mapIndexes: given.map_index,
    mapIndexLabelPattern: given.rendered_map_index_pattern,
    mapIndexLabelPrefixPattern: given.rendered_map_index_prefix_pattern,
    runAfter: readRange(given, 'run_after'),
    logicalDate: readRange(given, 'logical_date'),
    startDate: readRange(given, 'start_date'),
    endDate: readRange(given, 'end_date'),
    duration: readRange(given, 'duration'),
  };
}

/** The dag and the run of a path, each of which may be every one; what is named must exist. */
async function readPath(
  database: Database,
  params: { readonly dag_id: string; readonly dag_run_id: string },
): Promise<{ readonly dagId: string | undefined; readonly runId: string | undefined }> {
  const dagId = await readDagId(database, params.dag_id);
  if (params.dag_run_id === WILDCARD) return { dagId, runId: undefined };
  if (dagId !== undefined) await requireDagRun(database, dagId, params.dag_run_id);
  return { dagId, runId: params.dag_run_id };
}

/** A task instance as Airflow writes it. */
export function toTaskInstanceResponse(instance: TaskInstanceSummary): z.input<typeof taskInstanceResponse> {
  return {
    id: instance.id,
    task_id: instance.taskId,
    dag_id: instance.dagId,
    dag_run_id: instance.runId,
    map_index: instance.mapIndex,
    logical_date: writeInstantOrNull(instance.logicalAt),
    run_after: writeInstant(instance.runAfterAt),
    start_date: writeInstantOrNull(instance.startedAt),
    end_date: writeInstantOrNull(instance.endedAt),
    duration: durationSeconds(instance.startedAt, instance.endedAt),
    state: instance.state === 'none' ? null : instance.state,
    try_number: instance.tryNumber,
    // Airflow counts the retries, we count the tries.
    max_tries: instance.maxTries - 1,
    task_display_name: instance.taskId,
    dag_display_name: instance.dagDisplayName,
    hostname: instance.hostname,
    unixname: null,
    pool: instance.pool,
    pool_slots: instance.poolSlots,
    queue: instance.queue,
    priority_weight: instance.priorityWeight,
    operator: instance.operator,
    operator_name: instance.operator,
    queued_when: writeInstantOrNull(instance.queuedAt),
    scheduled_when: writeInstantOrNull(instance.scheduledAt),
    pid: instance.pid,
    executor: instance.executor,
    executor_config: '{}',
    note: instance.note,
    rendered_map_index: instance.mapIndexLabel ?? (instance.mapIndex >= 0 ? String(instance.mapIndex) : null),
    rendered_fields: { ...instance.renderedFields },
    trigger: null,
    triggerer_job: null,
    dag_version: toDagVersionResponse(instance),
  };
}
