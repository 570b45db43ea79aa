import type { TryFailure, TryOutcome } from '@tradewind/protocol';

/** How often an attempt may be lost through the death of its worker or scheduler before the task is at fault. */
export const MAX_LOSSES = 5;

/** What is known of a task instance when one of its tries ends. */
export interface EndingTry {
  readonly tryNumber: number;
  readonly maxTries: number;
  readonly losses: number;
  readonly retryDelayMs: number;
}

/** What the end of a try makes of its task instance. */
export interface TryEnd {
  readonly state: 'success' | 'failed' | 'skipped' | 'up_for_retry';
  readonly retryAt: number | null;
  readonly maxTries: number;
  readonly losses: number;
  readonly failure: TryFailure | null;
}

/**
 * Decides what follows from the end of a try. A failure is retried while tries are left; a try that was lost with its process is given back (one more
 * try, at once) and counted apart, up to `MAX_LOSSES`; a request not to retry ends the task.
 * @param endedAt milliseconds since the epoch; the retry delay counts from it, as in Airflow
 */
export function decideTryEnd(ending: EndingTry, outcome: TryOutcome, endedAt: number): TryEnd {
  const { tryNumber, maxTries, losses, retryDelayMs } = ending;
  const unchanged = { retryAt: null, maxTries, losses, failure: null };
  if (outcome.result !== 'failed') return { ...unchanged, state: outcome.result };

  const { failure } = outcome;
  if (failure.kind === 'lost' || failure.kind === 'stopped') {
    const isHopeless = losses >= MAX_LOSSES;
    return isHopeless
      ? { ...unchanged, state: 'failed', losses: losses + 1, failure }
      : { state: 'up_for_retry', retryAt: endedAt, maxTries: maxTries + 1, losses: losses + 1, failure };
  }
  if (failure.kind === 'fail_without_retry' || tryNumber >= maxTries) return { ...unchanged, state: 'failed', failure };
  return { ...unchanged, state: 'up_for_retry', retryAt: endedAt + retryDelayMs, failure };
}
