import type { TryOutcome } from '@tradewind/protocol';
import { endNote, successNote } from '../../platform/attempt-notes.ts';
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
    log.note('warning', { event: 'the process is not used again, because of what the task left behind', left_behind: leftBehind });
  }
  const fields = endNote(outcome.result, durationMs);
  switch (outcome.result) {
    case 'success':
      log.note('info', successNote(durationMs, outcome.events.length));
      return;
    case 'skipped':
      log.note('info', { ...fields, reason: outcome.reason });
      return;
    case 'rescheduled':
      log.note('info', { ...fields, next_call: new Date(outcome.at).toISOString() });
      return;
    case 'deferred':
      log.note('info', { ...fields, waits_for: outcome.deferral.trigger.kind });
      return;
    case 'failed':
      log.note('error', { ...fields, ...outcome.failure });
  }
}

/** Whether there is nothing to say of a try that its row does not say. */
export function isPlainSuccess(outcome: TryOutcome, { leftBehind }: TryFacts): boolean {
  return outcome.result === 'success' && outcome.events.length === 0 && leftBehind === undefined;
}
