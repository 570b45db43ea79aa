import { createHash } from 'node:crypto';

/** Airflow's `max_task_retry_delay`: no wait is longer. */
const LONGEST_MS = 86_400_000;
const SECOND_MS = 1_000;

/** What the wait before the next try depends on. */
export interface RetryDelay {
  readonly retryDelayMs: number;
  /** Undefined where every wait is as long as the first. */
  readonly retryBackoff: number | undefined;
  readonly maxRetryDelayMs: number | undefined;
  /** Number of the try that failed. */
  readonly tryNumber: number;
  /** Names the task instance: the same one waits the same time, different ones do not all come back at once. */
  readonly key: { readonly dagId: string; readonly taskId: string; readonly logicalDate: string };
}

/**
 * How long to wait before the next try, in milliseconds. With a back-off the wait grows by that factor with each try and lies between its base and twice that, at a place that
 * is a function of the task instance and the try (Airflow's `next_retry_datetime`): random to look at, and the same after a crash.
 */
export function decideRetryDelay({ retryDelayMs, retryBackoff, maxRetryDelayMs, tryNumber, key }: RetryDelay): number {
  const longest = Math.min(LONGEST_MS, maxRetryDelayMs ?? LONGEST_MS);
  if (retryBackoff === undefined) return retryDelayMs;
  const seconds = Math.min(Math.ceil((retryDelayMs / SECOND_MS) * retryBackoff ** (tryNumber - 1)), LONGEST_MS / SECOND_MS);
  const base = Math.max(1, seconds);
  const digest = createHash('sha1').update(`${key.dagId}#${key.taskId}#${key.logicalDate}#${tryNumber}`).digest('hex');
  const jitter = Number(BigInt(`0x${digest}`) % BigInt(base));
  return Math.min((base + jitter) * SECOND_MS, longest);
}
