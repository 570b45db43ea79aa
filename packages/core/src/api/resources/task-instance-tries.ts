import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import type { Database } from '../../store/database.ts';
import { listTries, type TaskInstanceName, type TaskInstanceSummary, type TryDetails } from '../../store/reads/task-instances.ts';
import { durationSeconds, writeInstantOrNull } from '../instants.ts';
import { integer, optional, text } from '../query-schemas.ts';
import { apiRoute, type Route } from '../route.ts';
import { dagVersionResponse, toDagVersionResponse } from './dag-runs.ts';
import { requireTaskInstance } from './task-instances.ts';

const instant = z.string();

const tryResponse = z.object({
  task_id: z.string(),
  dag_id: z.string(),
  dag_run_id: z.string(),
  map_index: z.int(),
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
  dag_version: dagVersionResponse,
});

const tryCollection = z.object({ task_instances: z.array(tryResponse), total_entries: z.int() });

const TASK_URL = '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}';
const taskParams = { dag_id: text, dag_run_id: text, task_id: text };
const mapIndexQuery = z.object({ map_index: optional(integer({ minimum: -1 })) });

/** The tries of a task instance, the current one included. */
export const getTaskInstanceTries = apiRoute({
  ...readRoute('get_task_instance_tries', `${TASK_URL}/tries`),
  params: z.object(taskParams),
  query: mapIndexQuery,
  response: tryCollection,
  handler: ({ params, query }, { database }) => readTries(database, nameOf({ ...params, map_index: query.map_index ?? -1 })),
});

/** The tries of one task instance of a mapped task. */
export const getMappedTaskInstanceTries = apiRoute({
  ...readRoute('get_mapped_task_instance_tries', `${TASK_URL}/{map_index}/tries`),
  params: z.object({ ...taskParams, map_index: integer({ minimum: -1 }) }),
  response: tryCollection,
  handler: ({ params }, { database }) => readTries(database, nameOf(params)),
});

/** One try. */
export const getTaskInstanceTry = apiRoute({
  ...readRoute('get_task_instance_try_details', `${TASK_URL}/tries/{task_try_number}`),
  params: z.object({ ...taskParams, task_try_number: integer() }),
  query: mapIndexQuery,
  response: tryResponse,
  handler: ({ params, query }, { database }) =>
    readTry(database, nameOf({ ...params, map_index: query.map_index ?? -1 }), params.task_try_number),
});

/** One try of one task instance of a mapped task. */
export const getMappedTaskInstanceTry = apiRoute({
  ...readRoute('get_mapped_task_instance_try_details', `${TASK_URL}/{map_index}/tries/{task_try_number}`),
  params: z.object({ ...taskParams, map_index: integer({ minimum: -1 }), task_try_number: integer() }),
  response: tryResponse,
  handler: ({ params }, { database }) => readTry(database, nameOf(params), params.task_try_number),
});

function readRoute(operationId: string, url: string) {
  const policy: Route['policy'] = { kind: 'role', atLeast: 'viewer', resource: 'task instance', action: 'read' };
  return { operationId, method: 'GET', url, policy } as const;
}

function nameOf(path: {
  readonly dag_id: string;
  readonly dag_run_id: string;
  readonly task_id: string;
  readonly map_index: number;
}): TaskInstanceName {
  return { dagId: path.dag_id, runId: path.dag_run_id, taskId: path.task_id, mapIndex: path.map_index };
}

async function readTries(database: Database, name: TaskInstanceName): Promise<z.input<typeof tryCollection>> {
  const instance = await requireTaskInstance(database, name);
  const tries = await listTries(database, instance);
  return { task_instances: tries.map((each) => toTryResponse(instance, each)), total_entries: tries.length };
}

async function readTry(database: Database, name: TaskInstanceName, tryNumber: number): Promise<z.input<typeof tryResponse>> {
  const instance = await requireTaskInstance(database, name);
  const found = (await listTries(database, instance)).find((each) => each.tryNumber === tryNumber);
  if (found !== undefined) return toTryResponse(instance, found);
  throw new TradewindError(
    'not_found',
    `The Task Instance with dag_id: \`${name.dagId}\`, run_id: \`${name.runId}\`, task_id: \`${name.taskId}\`, try_number: \`${tryNumber}\` and map_index: \`${name.mapIndex}\` was not found`,
  );
}

function toTryResponse(instance: TaskInstanceSummary, each: TryDetails): z.input<typeof tryResponse> {
  return {
    task_id: instance.taskId,
    dag_id: instance.dagId,
    dag_run_id: instance.runId,
    map_index: instance.mapIndex,
    start_date: writeInstantOrNull(each.startedAt),
    end_date: writeInstantOrNull(each.endedAt),
    duration: durationSeconds(each.startedAt, each.endedAt),
    state: each.state,
    try_number: each.tryNumber,
    max_tries: instance.maxTries - 1,
    task_display_name: instance.taskId,
    dag_display_name: instance.dagDisplayName,
    hostname: each.hostname,
    unixname: null,
    pool: each.pool,
    pool_slots: each.poolSlots,
    queue: each.queue,
    priority_weight: each.priorityWeight,
    operator: instance.operator,
    operator_name: instance.operator,
    queued_when: writeInstantOrNull(each.queuedAt),
    scheduled_when: writeInstantOrNull(each.scheduledAt),
    pid: each.pid,
    executor: each.executor,
    executor_config: '{}',
    dag_version: toDagVersionResponse(instance),
  };
}
