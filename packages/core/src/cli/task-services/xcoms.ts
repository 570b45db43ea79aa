import { decodeJson, type JsonValue, type TaskResponse } from '@tradewind/protocol';
import type { ValueSealer } from '../../model/masking/value-sealer.ts';
import type { Clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import { openWithNewestKeys } from '../../platform/secret-box.ts';
import type { LargeValues, ValueInRow } from '../../platform/value-store.ts';
import type { Database } from '../../store/database.ts';
import type { LiveAttempt } from '../../store/reads/attempts.ts';
import { listPulledXComs } from '../../store/reads/pulled-xcoms.ts';
import { storableText } from '../../store/storable-text.ts';
import { pushAttemptXCom } from '../../store/transitions/push-attempt-xcom.ts';
import { attemptOver, DONE, type RequestOf } from './task-services.ts';

/** What the answers about values need. */
export interface XComParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly sealer: ValueSealer;
  /** Where large values lie. @default every value is in its row */
  readonly largeValues?: LargeValues;
}

/** The value, or the values, that a task of the attempt's own dag left behind. */
export async function answerXCom(parts: XComParts, attempt: LiveAttempt, wish: RequestOf<'xcom'>): Promise<TaskResponse> {
  const { database, sealer, largeValues } = parts;
  const found = await listPulledXComs(database, attempt, wish);
  const [first] = found;
  if (first === undefined) {
    return { ok: false, code: 'not_found', message: `task "${wish.taskId}" has no XCom "${wish.key}" in ${runOf(attempt, wish)}` };
  }
  const read = async (row: ValueInRow): Promise<JsonValue> => {
    const value = decodeJson(largeValues === undefined ? row.value : await largeValues.read(row));
    return openWithNewestKeys(() => sealer.openValue(value), sealer.refreshKeys);
  };
  const isList = wish.mapIndex === undefined && first.mapIndex !== -1;
  try {
    return { ok: true, value: isList ? await Promise.all(found.map(read)) : await read(first) };
  } catch (error) {
    if (!(error instanceof TradewindError) || error.code !== 'value_unreadable') throw error;
    return { ok: false, code: 'unavailable', message: `XCom "${wish.key}" of task "${wish.taskId}" cannot be read: ${error.message}` };
  }
}

/** Keeps a value of the attempt at once. */
export async function answerPushXCom(
  { database, clock, sealer, largeValues }: XComParts,
  attempt: LiveAttempt,
  { key, valueJson }: RequestOf<'push_xcom'>,
): Promise<TaskResponse> {
  const value = storableText(sealer.sealJson(valueJson));
  const kept = (await largeValues?.keep(attempt.dagRunId, value)) ?? { value };
  const { outcome } = await pushAttemptXCom(database, attempt, { key, ...kept }, clock.now());
  return outcome === 'pushed' ? DONE : attemptOver();
}

function runOf({ runId }: LiveAttempt, wish: RequestOf<'xcom'>): string {
  return wish.includePriorDates === true ? `run "${runId}" and those before it` : `run "${wish.runId ?? runId}"`;
}
