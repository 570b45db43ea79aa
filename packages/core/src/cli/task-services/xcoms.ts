import { decodeJson, type JsonValue, type TaskResponse } from '@tradewind/protocol';
import type { ValueSealer } from '../../model/masking/value-sealer.ts';
import type { Clock } from '../../platform/clock.ts';
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
}

/** The value, or the values, that a task of the attempt's own dag left behind. */
export async function answerXCom({ database, sealer }: XComParts, attempt: LiveAttempt, wish: RequestOf<'xcom'>): Promise<TaskResponse> {
  const found = await listPulledXComs(database, attempt, wish);
  const [first] = found;
  if (first === undefined) {
    return { ok: false, code: 'not_found', message: `task "${wish.taskId}" has no XCom "${wish.key}" in ${runOf(attempt, wish)}` };
  }
  const read = (value: string): JsonValue => sealer.openValue(decodeJson(value));
  const isList = wish.mapIndex === undefined && first.mapIndex !== -1;
  return { ok: true, value: isList ? found.map(({ value }) => read(value)) : read(first.value) };
}

/** Keeps a value of the attempt at once. */
export async function answerPushXCom(
  { database, clock, sealer }: XComParts,
  attempt: LiveAttempt,
  { key, valueJson }: RequestOf<'push_xcom'>,
): Promise<TaskResponse> {
  const value = storableText(sealer.sealJson(valueJson));
  const { outcome } = await pushAttemptXCom(database, attempt, { key, value }, clock.now());
  return outcome === 'pushed' ? DONE : attemptOver();
}

function runOf({ runId }: LiveAttempt, wish: RequestOf<'xcom'>): string {
  return wish.includePriorDates === true ? `run "${runId}" and those before it` : `run "${wish.runId ?? runId}"`;
}
