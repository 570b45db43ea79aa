import type { Attempt, AttemptReport, Deferral, EmittedEvent } from '@tradewind/protocol';
import type { NewTaskInstance } from '../store/transitions/create-task-instances.ts';
import type { DeferredTaskInstance } from '../store/transitions/defer-task-instances.ts';
import type { ExpandedScope } from '../store/transitions/expand-mapped-scopes.ts';
import type { FinishedAttempt } from '../store/transitions/finish-task-instances.ts';
import type { HaltedTaskInstance } from '../store/transitions/halt-task-instances.ts';
import type { ReturnedValue } from '../store/transitions/push-xcoms.ts';
import type { RestartingTaskInstance } from '../store/transitions/restart-task-instances.ts';
import type { SchedulableTaskInstance, ScheduledTaskInstance } from '../store/transitions/schedule-task-instances.ts';
import type { SettledTaskInstance } from '../store/transitions/settle-task-instances.ts';
import type { StartedAttempt } from '../store/transitions/start-task-instances.ts';
import type { ActiveRun, ActiveScope, ActiveTask } from './run-state.ts';

/** A task instance of an active run. */
export interface TaskOfRun {
  readonly run: ActiveRun;
  readonly task: ActiveTask;
}

/** A run whose end is decided. */
export interface EndedRun {
  readonly run: ActiveRun;
  readonly state: 'success' | 'failed';
  /** Why it ended so: `task_failure`, `timed_out`, `fail_fast`; null where there is nothing to say. */
  readonly reason: string | null;
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
  readonly scheduled: ScheduledTaskInstance[];
  /** Task instances whose try begins with a wait. */
  readonly deferring: DeferredTaskInstance[];
  readonly reset: SchedulableTaskInstance[];
  readonly restarted: RestartingTaskInstance[];
  readonly halted: HaltedTaskInstance[];
  /** Mapped tasks and groups that are ready to be expanded. */
  readonly expanding: Set<{ readonly run: ActiveRun; readonly scope: ActiveScope }>;
  readonly expanded: ExpandedScope[];
  /** Task instances that stood for a mapped task and are now its first. */
  readonly indexed: SchedulableTaskInstance[];
  readonly queued: TaskOfRun[];
  readonly timers: (TaskOfRun & { readonly epoch: number; readonly at: number })[];
  readonly deferred: (TaskOfRun & { readonly deferral: Deferral })[];
  /** Attempts to be stopped once the tick is committed. */
  readonly cancelled: { readonly attempt: Attempt; readonly reason: string }[];
  readonly finishedRuns: EndedRun[];
  /** Notes that the run is part of this tick, so that its lease is checked with it. */
  touch(run: ActiveRun): void;
  /** Whether the run is the newest of its schedule. */
  isLatest(run: ActiveRun): boolean;
}

/** An empty plan. */
export function createTickPlan(id: string, now: number, isLatest: (run: ActiveRun) => boolean): TickPlan {
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
    deferring: [],
    reset: [],
    restarted: [],
    halted: [],
    expanding: new Set(),
    expanded: [],
    indexed: [],
    queued: [],
    timers: [],
    deferred: [],
    cancelled: [],
    finishedRuns: [],
    touch: (run) => {
      touched.add(run);
    },
    isLatest,
  };
}

/** How many rows the plan writes; ticks are kept below a size so that no hop waits for a long one. */
export function sizeOf(plan: TickPlan): number {
  return (
    plan.created.length +
    plan.finished.length +
    plan.settled.length +
    plan.scheduled.length +
    plan.deferring.length +
    plan.queued.length +
    plan.halted.length
  );
}
