import type { DeadlineReference, Duration, JsonObject } from '@tradewind/protocol';
import type { Callbacks, DeadlineCallbackContext } from './callbacks.ts';

/** What a deadline counts from, before it is checked. */
export type DeadlineStart =
  | Exclude<DeadlineReference, { kind: 'fixed_datetime' }>
  | { readonly kind: 'fixed_datetime'; readonly at: string | Temporal.Instant };

/** A moment by which a run should have ended. Missing it calls the author's functions and does not stop the run. */
export type Deadline<Params = JsonObject> = {
  /** Unique in the dag. */
  readonly name: string;
  /** What is counted from; see `deadline`. */
  readonly reference: DeadlineStart;
  readonly callback: Callbacks<DeadlineCallbackContext<Params>>;
} & (
  | {
      /** How long after the reference. */
      readonly interval: Duration;
      readonly before?: never;
    }
  | {
      /** How long before the reference, in place of `interval`. */
      readonly before: Duration;
      readonly interval?: never;
    }
);

/**
 * What a deadline can count from.
 *
 * @example
 * dag('orders', {
 *   deadlines: [{ name: 'two hours', reference: deadline.queuedAt(), interval: { hours: 2 }, callback: tellTeam('data') }],
 * }, define);
 */
export const deadline = {
  /** The moment at which the run was queued. */
  queuedAt: (): DeadlineStart => ({ kind: 'dag_run_queued_at' }),
  /** The logical date of the run; runs without one have no such deadline. */
  logicalDate: (): DeadlineStart => ({ kind: 'dag_run_logical_date' }),
  /** One moment for all runs: an instant, or text with an offset such as `'2026-01-31T06:00Z'`. */
  fixed: (at: string | Temporal.Instant): DeadlineStart => ({ kind: 'fixed_datetime', at }),
  /**
   * The moment at which the run was queued and as long as the last runs took on average.
   * @param options.maxRuns how many runs are looked at. @default 10
   * @param options.minRuns there is no deadline before so many have succeeded. @default as many as maxRuns
   */
  averageRuntime: ({ maxRuns = 10, minRuns = maxRuns }: { readonly maxRuns?: number; readonly minRuns?: number } = {}): DeadlineStart => ({
    kind: 'average_runtime',
    maxRuns,
    minRuns,
  }),
} as const;
