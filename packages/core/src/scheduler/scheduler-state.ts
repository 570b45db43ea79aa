import type { Attempt, AttemptReport, CodeLocation } from '@tradewind/protocol';
import type { DagGraph } from '../model/dag-graph.ts';
import type { ActivityObserver } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Executor } from '../platform/executor.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { LargeValues } from '../platform/value-store.ts';
import type { Database } from '../store/database.ts';
import type { BackfillProgress } from './advance-backfills.ts';
import type { ScheduleProgress } from './create-scheduled-runs.ts';
import type { DeadlineWatch } from './deadline-watch.ts';
import { createQueueProgress, type QueueProgress } from './decide-queued-events.ts';
import { isOccupying, tasksOf, type ActiveRun, type ActiveTask } from './run-state.ts';
import { SlotLine } from './slot-line.ts';
import type { TaskOfRun } from './tick-plan.ts';
import { TimerHeap } from './timer-heap.ts';
import type { TriggerWatch } from './trigger-watch.ts';

/** What a scheduler is given. */
export interface SchedulerParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly executor: Executor;
  readonly observe: ActivityObserver;
  /** Told of each pass of the loop that wrote something. */
  readonly observeTick?: (tick: ObservedTick) => void;
  /** Name of the environment, part of the source of every event. */
  readonly environmentName: string;
  readonly hostname: string;
  readonly pid: number;
  /** Where workers find the code of a dag file at a bundle version. */
  readonly locateCode: (file: string, bundleVersion: string) => CodeLocation;
  /** Called after a commit that put messages into the outbox. */
  readonly onOutgoing: () => void;
  /** Called after a commit that gave a triggerer something to do: triggers to run, callbacks to call. */
  readonly onWaiting?: () => void;
  /** Whether no other scheduler can be alive (embedded database): what earlier ones held is then free at once. */
  readonly isAlone: boolean;
  /** How long the runs of a silent scheduler stay its own, in milliseconds. @default 6_000 */
  readonly leaseMs?: number;
  /** How often the lease is renewed and recovery looks around, in milliseconds. @default 2_000 */
  readonly recoveryIntervalMs?: number;
  /** Most rows that one tick writes. @default 500 */
  readonly tickSize?: number;
  /** Most task instances of one mapped task. @default 1_024 */
  readonly maxMapLength?: number;
  /** Where large values are kept. @default every value is in its row */
  readonly largeValues?: LargeValues;
}

/** What a pass of the scheduler's loop did. */
export interface ObservedTick {
  /** Rows of task instances that it wrote. */
  readonly rows: number;
  readonly durationMs: number;
}

export const DEFAULT_LEASE_MS = 6_000;
export const DEFAULT_RECOVERY_INTERVAL_MS = 2_000;
export const DEFAULT_TICK_SIZE = 500;

/** A task instance that goes on by itself at a time, if it is still at this epoch: a retry, a next poke, the end of a wait. */
export interface TaskTimer extends TaskOfRun {
  readonly epoch: number;
}

/** Everything that a scheduler knows. Only the passes of its loop change it, one after the other. */
export interface SchedulerState {
  readonly parts: SchedulerParts;
  /** The incarnation that holds the runs: id of the job. Changes where a lease was lost. */
  term: number;
  tickNumber: number;
  readonly runs: Map<string, ActiveRun>;
  readonly byTaskInstance: Map<string, TaskOfRun>;
  /** Graphs by dag version id. */
  readonly graphs: Map<string, DagGraph>;
  /** What is scheduled and wants a slot. */
  readonly line: SlotLine;
  /** Slots of each pool; -1 for no limit. */
  readonly pools: Map<string, number>;
  arePoolsKnown: boolean;
  /** By pool: slots that the task instances held here take. What is true is counted from rows when a slot is taken. */
  readonly slotsTaken: Map<string, number>;
  /** By pool: until when it is left alone, because the rows said that it is full. */
  readonly fullPools: Map<string, number>;
  /** Task instances that want more slots than their pool has. */
  readonly oversized: TaskOfRun[];
  /** Runs with task instances that have no row yet. */
  readonly growing: Set<ActiveRun>;
  readonly timers: TimerHeap<TaskTimer>;
  /** Runs that must end by a time. */
  readonly runTimeouts: TimerHeap<ActiveRun>;
  /** Dags of which task instances of later runs may wait for something that has just happened. */
  readonly pastChanged: Set<string>;
  /** Runs with task instances that wait for earlier ones. */
  readonly pastWaiters: Set<ActiveRun>;
  /** Attempts of runs that are to be read again: those that are no longer current by then are stopped. */
  readonly doubtful: Map<string, Attempt>;
  /** Whether somebody else may have changed runs that are held here. */
  mayHaveChanges: boolean;
  /** Reports that no tick has written yet, oldest first. */
  readonly reports: AttemptReport[];
  /** Runs whose memory may be behind the database: they are read again before anything else is decided about them. */
  readonly stale: Set<string>;
  /** Attempts that were handed to the executor and have not ended. */
  inFlight: number;
  /** How many attempts had ended when the last tick that heard of any took place. */
  lastEnds: number;
  /** Whether the last tick gave away every slot that was free. */
  areSlotsTaken: boolean;
  /** Whether runs may have become ready to be created or started. */
  mayStartRuns: boolean;
  /** When the next scheduled run is due; undefined where none is known. */
  nextScheduledAt: number | undefined;
  readonly schedules: ScheduleProgress;
  readonly backfills: BackfillProgress;
  readonly queues: QueueProgress;
  readonly triggerWatch: TriggerWatch;
  readonly deadlineWatch: DeadlineWatch;
  nextRecoveryAt: number;
}

/** A scheduler that knows nothing yet. */
export function createSchedulerState(parts: SchedulerParts, term: number): SchedulerState {
  return {
    parts,
    term,
    tickNumber: 0,
    runs: new Map(),
    byTaskInstance: new Map(),
    graphs: new Map(),
    line: new SlotLine(),
    pools: new Map(),
    arePoolsKnown: false,
    slotsTaken: new Map(),
    fullPools: new Map(),
    oversized: [],
    growing: new Set(),
    timers: new TimerHeap(),
    runTimeouts: new TimerHeap(),
    pastChanged: new Set(),
    pastWaiters: new Set(),
    doubtful: new Map(),
    mayHaveChanges: false,
    reports: [],
    stale: new Set(),
    inFlight: 0,
    lastEnds: 0,
    areSlotsTaken: false,
    mayStartRuns: true,
    nextScheduledAt: parts.clock.now(),
    schedules: { cursor: '', hasFullDags: false, lookedAt: 0 },
    backfills: { hasActive: false, nextLookAt: 0 },
    queues: createQueueProgress(),
    triggerWatch: { mayHaveFired: true, areRunsAwaited: true },
    deadlineWatch: { areUsed: undefined, mayHaveChanged: true, nextAt: 0 },
    nextRecoveryAt: parts.clock.now(),
  };
}

/** Begins to know a run. */
export function rememberRun(state: SchedulerState, run: ActiveRun): void {
  state.runs.set(run.row.id, run);
  for (const task of tasksOf(run)) {
    state.byTaskInstance.set(task.id, { run, task });
    if (isOccupying(task)) noteSlots(state, task, 1);
  }
  if (run.pending.length > 0) state.growing.add(run);
}

/** Forgets a run: it has ended, or its memory is not to be trusted. */
export function forgetRun(state: SchedulerState, run: ActiveRun): void {
  if (state.runs.get(run.row.id) !== run) return;
  state.runs.delete(run.row.id);
  for (const task of tasksOf(run)) {
    state.byTaskInstance.delete(task.id);
    if (isOccupying(task)) noteSlots(state, task, -1);
  }
  run.ready.clear();
  state.growing.delete(run);
}

/** What memory says of a run may not be what is stored: it is read again, and what runs of it is stopped if it is no longer wanted then. */
export function distrustRun(state: SchedulerState, run: ActiveRun): void {
  state.stale.add(run.row.id);
  if (state.runs.get(run.row.id) !== run) return;
  for (const task of tasksOf(run)) {
    if (isOccupying(task)) state.doubtful.set(task.id, { taskInstanceId: task.id, epoch: task.epoch });
  }
  forgetRun(state, run);
}

/** Keeps the account of the slots that task instances held here take of their pool. */
export function noteSlots(state: SchedulerState, { node }: ActiveTask, sign: 1 | -1): void {
  const { pool = 'default_pool', poolSlots = 1 } = node.graph.task;
  state.slotsTaken.set(pool, Math.max(0, (state.slotsTaken.get(pool) ?? 0) + sign * poolSlots));
  if (sign === -1) state.fullPools.delete(pool);
}

/** Whether a task instance of an active run is at this very attempt. */
export function isCurrent({ task }: TaskOfRun, attempt: Attempt): boolean {
  return task.epoch === attempt.epoch;
}
