import { encodeJson, type JsonValue } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import type { TaskInstanceName } from '../../store/reads/task-instances.ts';
import { XCOM_ORDER, findXCom, listXComs, type XComSummary } from '../../store/reads/xcoms.ts';
import { createXCom, deleteXCom, updateXCom } from '../../store/transitions/set-xcom.ts';
import type { ApiParts } from '../api-parts.ts';
import { writeInstant, writeInstantOrNull } from '../instants.ts';
import { readValue } from '../read-value.ts';
import { instantRange, integer, optional, pageQuery, query, readOrderBy, readPage, readRange, text } from '../query-schemas.ts';
import { InvalidRequest } from '../request-problems.ts';
import { apiRoute, emptyRoute } from '../route.ts';
import { WILDCARD } from '../wildcard.ts';
import { readDagId } from './dag-runs.ts';
import { requireTaskInstance } from './task-instances.ts';

const xcomResponse = z.object({
  key: z.string(),
  timestamp: z.string(),
  logical_date: z.string().nullable(),
  map_index: z.int(),
  task_id: z.string(),
  dag_id: z.string(),
  run_id: z.string(),
  dag_display_name: z.string(),
  task_display_name: z.string(),
  run_after: z.string(),
});

const xcomWithValue = xcomResponse.extend({ value: z.unknown() });

const LIST_URL = '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries';
const ENTRY_URL = `${LIST_URL}/{xcom_key}`;
const taskParams = z.object({ dag_id: text, dag_run_id: text, task_id: text });
const entryParams = z.object({ dag_id: text, dag_run_id: text, task_id: text, xcom_key: text });
/** Airflow's column width. */
const MAX_KEY_LENGTH = 512;
const mapIndex = optional(integer({ minimum: -1 }));

/** Lists what tasks left behind, without the values; `~` is every dag, run or task. */
export const getXComEntries = apiRoute({
  operationId: 'get_xcom_entries',
  method: 'GET',
  url: LIST_URL,
  policy: { kind: 'role', atLeast: 'viewer', resource: 'xcom', action: 'read' },
  params: taskParams,
  query: z.object({
    ...pageQuery,
    ...instantRange('logical_date'),
    ...instantRange('run_after'),
    xcom_key: query.text,
    map_index: mapIndex,
    xcom_key_pattern: query.text,
    xcom_key_prefix_pattern: query.text,
    dag_display_name_pattern: query.text,
    dag_display_name_prefix_pattern: query.text,
    run_id_pattern: query.text,
    run_id_prefix_pattern: query.text,
    task_id_pattern: query.text,
    task_id_prefix_pattern: query.text,
    map_index_filter: query.integer,
  }),
  response: z.object({ xcom_entries: z.array(xcomResponse), total_entries: z.int() }),
  async handler({ params, query: given }, { database }, { principal }) {
    const filter = {
      readable: principal.readableDags,
      dagId: await readDagId(database, params.dag_id),
      runId: named(params.dag_run_id),
      taskId: named(params.task_id),
      key: given.xcom_key,
      mapIndex: given.map_index ?? given.map_index_filter,
      keyPattern: given.xcom_key_pattern,
      keyPrefixPattern: given.xcom_key_prefix_pattern,
      dagDisplayNamePattern: given.dag_display_name_pattern,
      dagDisplayNamePrefixPattern: given.dag_display_name_prefix_pattern,
      runIdPattern: given.run_id_pattern,
      runIdPrefixPattern: given.run_id_prefix_pattern,
      taskIdPattern: given.task_id_pattern,
      taskIdPrefixPattern: given.task_id_prefix_pattern,
      logicalDate: readRange(given, 'logical_date'),
      runAfter: readRange(given, 'run_after'),
    };
    const { rows, total } = await listXComs(database, filter, readPage(given), readOrderBy(given.order_by, XCOM_ORDER, 'dag_id'));
    return { xcom_entries: rows.map(toXComResponse), total_entries: total };
  },
});

/** A value that a task left behind. `deserialize` changes nothing: values are JSON, and are never anything else. */
export const getXComEntry = apiRoute({
  operationId: 'get_xcom_entry',
  method: 'GET',
  url: ENTRY_URL,
  policy: { kind: 'role', atLeast: 'viewer', resource: 'xcom', action: 'read' },
  params: entryParams,
  query: z.object({ map_index: mapIndex, deserialize: query.boolean, stringify: query.boolean }),
  response: xcomWithValue,
  async handler({ params, query: given }, parts) {
    const xcom = await requireXCom(parts, nameOf(params, given.map_index), params.xcom_key);
    return { ...toXComResponse(xcom), value: given.stringify === true ? asText(xcom.value) : xcom.value };
  },
});

/** Leaves a value in a task's name. */
export const createXComEntry = apiRoute({
  operationId: 'create_xcom_entry',
  method: 'POST',
  url: LIST_URL,
  policy: { kind: 'role', atLeast: 'op', resource: 'xcom', action: 'create' },
  params: taskParams,
  body: z.strictObject({ key: text.min(1).max(MAX_KEY_LENGTH), value: z.unknown(), map_index: z.int().min(-1).default(-1) }),
  status: 201,
  response: xcomWithValue,
  async handler({ params, body }, parts) {
    const name = nameOf(params, body.map_index);
    const { id } = await requireTaskInstance(parts.database, name);
    const xcom = { taskInstanceId: id, key: body.key, value: toJson(body.value) };
    if ((await createXCom(parts.database, xcom, parts.clock.now())) === 'already_exists') {
      throw new TradewindError('already_exists', `The XCom with key: \`${body.key}\` of this task instance already exists: PATCH it.`);
    }
    parts.wake();
    return withValue(await requireXCom(parts, name, body.key));
  },
});

/** Replaces a value. */
export const updateXComEntry = apiRoute({
  operationId: 'update_xcom_entry',
  method: 'PATCH',
  url: ENTRY_URL,
  policy: { kind: 'role', atLeast: 'op', resource: 'xcom', action: 'edit' },
  params: entryParams,
  body: z.strictObject({ value: z.unknown(), map_index: z.int().min(-1).default(-1) }),
  response: xcomWithValue,
  async handler({ params, body }, parts) {
    const name = nameOf(params, body.map_index);
    const { id } = await requireTaskInstance(parts.database, name);
    const xcom = { taskInstanceId: id, key: params.xcom_key, value: toJson(body.value) };
    if ((await updateXCom(parts.database, xcom, parts.clock.now())) === 'not_found') throw unknownXCom(params.xcom_key);
    parts.wake();
    return withValue(await requireXCom(parts, name, params.xcom_key));
  },
});

/** Takes a value away. */
export const deleteXComEntry = emptyRoute({
  operationId: 'delete_xcom_entry',
  method: 'DELETE',
  url: ENTRY_URL,
  policy: { kind: 'role', atLeast: 'op', resource: 'xcom', action: 'delete' },
  params: entryParams,
  query: z.object({ map_index: mapIndex }),
  async handler({ params, query: given }, parts) {
    const { id } = await requireTaskInstance(parts.database, nameOf(params, given.map_index));
    if ((await deleteXCom(parts.database, id, params.xcom_key)) === 'not_found') throw unknownXCom(params.xcom_key);
    parts.wake();
  },
});

/** The value as people may see it: without secrets. */
async function requireXCom(parts: ApiParts, name: TaskInstanceName, key: string): Promise<XComSummary> {
  const xcom = await findXCom(parts.database, name, key);
  if (xcom === undefined) throw unknownXCom(key);
  return { ...xcom, value: parts.secrets.masker.maskValue(await readValue(parts, xcom)) as JsonValue };
}

function unknownXCom(key: string): TradewindError {
  return new TradewindError('not_found', `XCom entry with key: \`${key}\` not found`);
}

function nameOf(path: z.output<typeof taskParams>, index: number | undefined): TaskInstanceName {
  return { dagId: path.dag_id, runId: path.dag_run_id, taskId: path.task_id, mapIndex: index ?? -1 };
}

function named(id: string): string | undefined {
  return id === WILDCARD ? undefined : id;
}

function toXComResponse(xcom: XComSummary): z.input<typeof xcomResponse> {
  return {
    key: xcom.key,
    timestamp: writeInstant(xcom.createdAt),
    logical_date: writeInstantOrNull(xcom.logicalAt),
    map_index: xcom.mapIndex,
    task_id: xcom.taskId,
    dag_id: xcom.dagId,
    run_id: xcom.runId,
    dag_display_name: xcom.dagDisplayName,
    task_display_name: xcom.taskId,
    run_after: writeInstant(xcom.runAfterAt),
  };
}

function withValue(xcom: XComSummary): z.input<typeof xcomWithValue> {
  return { ...toXComResponse(xcom), value: xcom.value };
}

/** The same limits as for what a task returns. */
function toJson(value: unknown): string {
  const encoded = encodeJson(value);
  if (encoded.ok) return encoded.json;
  const { path, reason } = encoded.problem;
  throw new InvalidRequest([
    { type: 'value_error', loc: ['body', 'value'], msg: `The value cannot be kept: ${path} ${reason}`, input: null },
  ]);
}

function asText(value: JsonValue): string | null {
  return value === null || typeof value === 'string' ? value : JSON.stringify(value);
}
