import type { JsonValue, TaskInstanceState } from '@tradewind/protocol';
import type { Facts } from '../packages/core/src/scheduler/testing/reference-run.ts';
import type { SeenEnd } from './simulated-executor.ts';

/** How an attempt ended, as its worker saw it; undefined where it was lost. */
interface Ending {
  readonly end: SeenEnd | undefined;
  readonly retryDelayMs: number;
}

/** What is known of a task instance once an attempt has put it into a state: its value and choice, or when it goes on. */
export function factsAfter(state: TaskInstanceState, { end, retryDelayMs }: Ending): Facts {
  if (state === 'up_for_retry') return { retryAt: end === undefined ? 0 : end.at + retryDelayMs };
  switch (end?.outcome.result) {
    case 'success':
      return {
        value: JSON.parse(end.outcome.valueJson) as JsonValue,
        ...(end.outcome.decision === undefined ? {} : { decision: end.outcome.decision }),
      };
    case 'rescheduled':
      return { dueAt: end.outcome.at };
    case 'deferred': {
      const { trigger, timeoutAt } = end.outcome.deferral;
      const dueAt = trigger.kind === 'timer' ? trigger.at : 0;
      return timeoutAt === undefined ? { dueAt } : { dueAt, failsAt: timeoutAt };
    }
    case 'skipped':
    case 'failed':
    case undefined:
      return {};
  }
}
