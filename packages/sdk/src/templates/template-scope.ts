import { randomUUID } from 'node:crypto';
import { decodeJson, type JsonValue, type PreviousSuccess, type SerializedTask, type TryContext } from '@tradewind/protocol';
import { RequestError } from '../errors.ts';
import type { Ask } from '../worker/request-channel.ts';
import { dateFilters, writeInstant } from './date-filters.ts';
import { loadLiquid } from './load-liquid.ts';

/** What the names in a task's templates stand for. */
export interface TemplateSource {
  readonly context: TryContext;
  readonly task: Pick<SerializedTask, 'taskId' | 'operator' | 'outlets' | 'inlets'>;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Answers `var`, `conn` and the `prev_…` names. */
  readonly ask: Ask;
}

/**
 * The names of Airflow's template context, as far as a process can know them. A run without a logical date has neither `ds` nor `ts` nor any of the names
 * that depend on it: in a template they are then not defined. `var`, `conn` and the `prev_…` names ask the environment when they are read.
 */
export function createTemplateScope({ context, task, inputs, ask }: TemplateSource): object {
  const { dagId, runId, taskId, mapIndex, tryNumber, maxTries, params, logicalDate } = context;
  const instance = { dag_id: dagId, run_id: runId, task_id: taskId, map_index: mapIndex, try_number: tryNumber, max_tries: maxTries };
  const dates = datesOf(context);
  return {
    ...dates,
    run_id: runId,
    params,
    inputs,
    dag: { dag_id: dagId },
    dag_run: { dag_id: dagId, run_id: runId, run_after: writeInstant(context.runAfter), conf: params, ...dates },
    task: { task_id: task.taskId, operator: task.operator, outlets: task.outlets, inlets: task.inlets ?? [] },
    ti: instance,
    task_instance: instance,
    task_instance_key_str: [dagId, taskId, logicalDate === null ? runId : dateFilters.ds_nodash(logicalDate)].join('__'),
    try_number: tryNumber,
    map_index: mapIndex,
    expanded_ti_count: context.expandedCount ?? null,
    ...(context.mapIndexLabel === undefined ? {} : { map_index_label: context.mapIndexLabel }),
    outlets: task.outlets,
    inlets: task.inlets ?? [],
    triggering_asset_events: eventsByAsset(context),
    task_reschedule_count: context.rescheduleCount ?? 0,
    test_mode: false,
    ...previousSuccessOf(ask),
    var: { value: readerOf((key) => readVariable(ask, key)), json: readerOf(async (key) => parse(key, await readVariable(ask, key))) },
    conn: readerOf((connId) => readConnection(ask, connId)),
    macros: readerOf(readMacro),
  };
}

function datesOf({ logicalDate, dataIntervalStart, dataIntervalEnd }: TryContext): Readonly<Record<string, string>> {
  return {
    ...(dataIntervalStart === null ? {} : { data_interval_start: writeInstant(dataIntervalStart) }),
    ...(dataIntervalEnd === null ? {} : { data_interval_end: writeInstant(dataIntervalEnd) }),
    ...(logicalDate === null
      ? {}
      : {
          logical_date: writeInstant(logicalDate),
          ds: dateFilters.ds(logicalDate),
          ds_nodash: dateFilters.ds_nodash(logicalDate),
          ts: dateFilters.ts(logicalDate),
          ts_nodash: dateFilters.ts_nodash(logicalDate),
          ts_nodash_with_tz: dateFilters.ts_nodash_with_tz(logicalDate),
        }),
  };
}

function eventsByAsset({ triggeringEvents }: TryContext): Readonly<Record<string, readonly object[]>> {
  const events: Record<string, object[]> = {};
  for (const { assetName, ...event } of triggeringEvents) (events[assetName] ??= []).push(event);
  return events;
}

/** Dates of the newest earlier run that succeeded; null where there is none. Asked for when the first of them is read, once for all templates of the task. */
function previousSuccessOf(ask: Ask): Readonly<Record<string, () => Promise<string | null>>> {
  let asked: Promise<PreviousSuccess | undefined> | undefined;
  const dateOf = (name: keyof PreviousSuccess) => async (): Promise<string | null> => {
    const previous = await (asked ??= readPreviousSuccess(ask));
    const date = previous?.[name] ?? null;
    return date === null ? null : writeInstant(date);
  };
  return {
    prev_data_interval_start_success: dateOf('dataIntervalStart'),
    prev_data_interval_end_success: dateOf('dataIntervalEnd'),
    prev_start_date_success: dateOf('startDate'),
    prev_end_date_success: dateOf('endDate'),
  };
}

async function readPreviousSuccess(ask: Ask): Promise<PreviousSuccess | undefined> {
  return ((await read(ask, { kind: 'previous_success' })) ?? undefined) as PreviousSuccess | undefined;
}

/** An object whose properties are asked for one by one; undefined is not defined. */
function readerOf(read: (name: string) => unknown): object {
  const { Drop } = loadLiquid();
  return new (class Reader extends Drop {
    override liquidMethodMissing(name: string | number | symbol): unknown {
      return read(String(name));
    }
  })();
}

async function readVariable(ask: Ask, key: string): Promise<string | undefined> {
  return (await read(ask, { kind: 'variable', key })) as string | undefined;
}

/** With Airflow's names of the fields. */
async function readConnection(ask: Ask, connId: string): Promise<object | undefined> {
  const connection = (await read(ask, { kind: 'connection', connId })) as Readonly<Record<string, JsonValue>> | undefined;
  if (connection === undefined) return undefined;
  const { connId: id, connType, extra, ...rest } = connection;
  return { conn_id: id, conn_type: connType, ...rest, extra: JSON.stringify(extra ?? {}), extra_dejson: extra ?? {} };
}

async function read(ask: Ask, request: Parameters<Ask>[0]): Promise<JsonValue | undefined> {
  const response = await ask(request);
  if (response.ok) return response.value;
  if (response.code === 'not_found') return undefined;
  throw new RequestError(response.code, response.message);
}

function parse(key: string, text: string | undefined): JsonValue | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeJson(text);
  } catch {
    throw new RequestError('bad_request', `variable "${key}" is not JSON; use var.value.${key}, or correct it`);
  }
}

function readMacro(name: string): unknown {
  switch (name) {
    case 'uuid':
      return randomUUID();
    case 'random':
      return Math.random();
    case 'time':
      return Date.now() / 1_000;
    case 'now':
      return writeInstant(Temporal.Now.instant().toString());
    default:
      return undefined;
  }
}
