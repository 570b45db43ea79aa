import { decodeJson, type CallbackContext, type CallbackSubject, type JsonObject, type TaskCallback } from '@tradewind/protocol';
import { instantOrNull } from './instant-text.ts';

/** What a callback's context says of a run. Times are milliseconds since the epoch. */
export interface CallbackRun {
  readonly dagId: string;
  readonly runId: string;
  readonly logicalAt: number | null;
  readonly intervalStartAt: number | null;
  readonly intervalEndAt: number | null;
  readonly runAfterAt: number;
}

/** What a callback is told. */
export function callbackContextOf(run: CallbackRun, params: JsonObject, subject: CallbackSubject): CallbackContext {
  return {
    dagId: run.dagId,
    runId: run.runId,
    logicalDate: instantOrNull(run.logicalAt),
    dataIntervalStart: instantOrNull(run.intervalStartAt),
    dataIntervalEnd: instantOrNull(run.intervalEndAt),
    runAfter: new Date(run.runAfterAt).toISOString(),
    params,
    subject,
  };
}

/**
 * Which callbacks the end of a try asks for. A try that goes on later (deferred, rescheduled) has not ended; a task that a trigger rule or a branch skipped never had a try, and is not told.
 */
export function callbackOfTryEnd(state: string): Exclude<TaskCallback, 'execute'> | undefined {
  switch (state) {
    case 'success':
      return 'success';
    case 'failed':
      return 'failure';
    case 'up_for_retry':
      return 'retry';
    case 'skipped':
      return 'skipped';
    default:
      return undefined;
  }
}

/** The values of a run's params: what the run was given, else the default. They were checked when the run was asked for. */
export function paramsOfRun(schemas: Readonly<Record<string, JsonObject>>, conf: string): JsonObject {
  const given = decodeJson(conf) as JsonObject;
  const entries = Object.entries(schemas).flatMap(([name, schema]) => {
    const value = Object.hasOwn(given, name) ? given[name] : schema['default'];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}
