import type { Deferral, TryDecision, TryFailure, TryOutcome } from '@tradewind/protocol';

/** How often an attempt may be lost through the death of its worker or scheduler before the task is at fault. */
export const MAX_LOSSES = 5;

/** What is known of a task instance when one of its tries ends. */
export interface EndingTry {
  readonly tryNumber: number;
  readonly maxTries: number;
  readonly losses: number;
  readonly reschedules: number;
  /** How long to wait before a next try. */
  readonly retryDelayMs: number;
}

/** What the end of a try makes of its task instance. */
export interface TryEnd {
  readonly state: 'success' | 'failed' | 'skipped' | 'up_for_retry' | 'up_for_reschedule' | 'deferred';
  /** When it goes on by itself, where it does. */
  readonly retryAt: number | null;
  readonly maxTries: number;
  readonly losses: number;
  readonly reschedules: number;
  readonly failure: TryFailure | null;
  readonly decision: TryDecision | null;
  readonly deferral: Deferral | null;
  readonly mapIndexLabel: string | null;
}

/**
 * Decides what follows from the end of a try. A failure is retried while tries are left; a try that was lost with its process is given back (one more
 * try, at once) and counted apart, up to `MAX_LOSSES`; a request not to retry ends the task. A sensor that wants to be asked again, and a task that waits for something,
 * give their slots back and keep their try.
 * @param endedAt milliseconds since the epoch; the retry delay counts from it, as in Airflow
 */
export function decideTryEnd(ending: EndingTry, outcome: TryOutcome, endedAt: number): TryEnd {
  const { tryNumber, maxTries, losses, reschedules, retryDelayMs } = ending;
  const unchanged = { retryAt: null, maxTries, losses, reschedules, failure: null, decision: null, deferral: null, mapIndexLabel: null };
  switch (outcome.result) {
    case 'success':
      return { ...unchanged, state: 'success', decision: outcome.decision ?? null, mapIndexLabel: outcome.mapIndexLabel ?? null };
    case 'skipped':
      return { ...unchanged, state: 'skipped' };
    case 'rescheduled':
      return { ...unchanged, state: 'up_for_reschedule', retryAt: Math.max(Math.ceil(outcome.at), endedAt), reschedules: reschedules + 1 };
    case 'deferred':
      return { ...unchanged, state: 'deferred', deferral: outcome.deferral };
    case 'failed':
      break;
  }
  const { failure } = outcome;
  if (failure.kind === 'lost' || failure.kind === 'stopped') {
    const isHopeless = losses >= MAX_LOSSES;
    return isHopeless
      ? { ...unchanged, state: 'failed', losses: losses + 1, failure }
      : { ...unchanged, state: 'up_for_retry', retryAt: endedAt, maxTries: maxTries + 1, losses: losses + 1, failure };
  }
  if (failure.kind === 'fail_without_retry' || tryNumber >= maxTries) return { ...unchanged, state: 'failed', failure };
  return { ...unchanged, state: 'up_for_retry', retryAt: endedAt + retryDelayMs, failure };
}
