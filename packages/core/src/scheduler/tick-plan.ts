import type { AttemptReport, EmittedEvent } from '@tradewind/protocol';
import type { NewTaskInstance } from '../store/transitions/create-task-instances.ts';
import type { FinishedAttempt } from '../store/transitions/finish-task-instances.ts';
import type { ReturnedValue } from '../store/transitions/push-xcoms.ts';
import type { SchedulableTaskInstance } from '../store/transitions/schedule-task-instances.ts';
import type { SettledTaskInstance } from '../store/transitions/settle-task-instances.ts';
import type { StartedAttempt } from '../store/transitions/start-task-instances.ts';
import type { ActiveRun, ActiveTask } from './run-state.ts';

/** A task instance of an active run. */
export interface TaskOfRun {
  readonly run: ActiveRun;
  readonly task: ActiveTask;
}

/** What one tick has decided and will write as one transaction. Filled while the decisions are made, empty when nothing happened. */
export interface TickPlan {
  /** Names the tick; unique for ever. */
  readonly id: string;
  readonly now: number;
  readonly touched: Set<ActiveRun>;
  /** The reports that this tick writes. */
  readonly reports: AttemptReport[];
  readonly created: NewTaskInstance[];
  readonly started: (TaskOfRun & { readonly row: StartedAttempt })[];
  readonly finished: (TaskOfRun & { readonly row: FinishedAttempt })[];
  readonly values: ReturnedValue[];
  readonly emitted: (TaskOfRun & { readonly events: readonly EmittedEvent[] })[];
  readonly settled: (TaskOfRun & { readonly row: SettledTaskInstance })[];
  readonly scheduled: SchedulableTaskInstance[];
  readonly reset: SchedulableTaskInstance[];
  readonly queued: TaskOfRun[];
  readonly retries: (TaskOfRun & { readonly epoch: number; readonly at: number })[];
  readonly finishedRuns: { readonly run: ActiveRun; readonly state: 'success' | 'failed' }[];
  /** Notes that the run is part of this tick, so that its lease is checked with it. */
  touch(run: ActiveRun): void;
}

/** An empty plan. */
export function createTickPlan(id: string, now: number): TickPlan {
  const touched = new Set<ActiveRun>();
  return {
    id,
    now,
    touched,
    reports: [],
    created: [],
    started: [],
    finished: [],
    values: [],
    emitted: [],
    settled: [],
    scheduled: [],
    reset: [],
    queued: [],
    retries: [],
    finishedRuns: [],
    touch: (run) => {
      touched.add(run);
    },
  };
}

/** How many rows the plan writes; ticks are kept below a size so that no hop waits for a long one. */
export function sizeOf(plan: TickPlan): number {
  return plan.created.length + plan.finished.length + plan.settled.length + plan.scheduled.length + plan.queued.length;
}
