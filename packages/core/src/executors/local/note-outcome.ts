import type { TryOutcome } from '@tradewind/protocol';
import type { TaskLog } from './task-log.ts';

/** What is known of a try besides its outcome. */
export interface TryFacts {
  readonly durationMs: number;
  /** Why its process is not used again; undefined where it is. */
  readonly leftBehind: string | undefined;
}

/** Writes the supervisor's last word on a try into its log. */
export function noteOutcome(log: TaskLog, outcome: TryOutcome, { durationMs, leftBehind }: TryFacts): void {
  if (leftBehind !== undefined) {
    log.note('warning', 'the process is not used again, because of what the task left behind', { left_behind: leftBehind });
  }
  const fields = { result: outcome.result, duration_ms: Math.round(durationMs * 1_000) / 1_000 };
  switch (outcome.result) {
    case 'success':
      log.note('info', 'task ended', { ...fields, events: outcome.events.length });
      return;
    case 'skipped':
      log.note('info', 'task ended', { ...fields, reason: outcome.reason });
      return;
    case 'rescheduled':
      log.note('info', 'task ended', { ...fields, next_call: new Date(outcome.at).toISOString() });
      return;
    case 'deferred':
      log.note('info', 'task ended', { ...fields, waits_for: outcome.deferral.trigger.kind });
      return;
    case 'failed':
      log.note('error', 'task ended', { ...fields, ...outcome.failure });
  }
}
