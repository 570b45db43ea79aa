import type { Attempt, AttemptReport, CodeLocation } from '@tradewind/protocol';
import type { DagGraph } from '../model/dag-graph.ts';
import type { ActivityObserver } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Executor } from '../platform/executor.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import type { ActiveRun } from './run-state.ts';
import type { TaskOfRun } from './tick-plan.ts';
import { TimerHeap } from './timer-heap.ts';

/** What a scheduler is given. */
export interface SchedulerParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly executor: Executor;
  readonly observe: ActivityObserver;
  /** Name of the environment, part of the source of every event. */
  readonly environmentName: string;
  readonly hostname: string;
  readonly pid: number;
  /** Where workers find the code of a dag file at a bundle version. */
  readonly locateCode: (file: string, bundleVersion: string) => CodeLocation;
  /** Called after a commit that put messages into the outbox. */
  readonly onOutgoing: () => void;
  /** Whether no other scheduler can be alive (embedded database): what earlier ones held is then free at once. */
  readonly isAlone: boolean;
  /** How long the runs of a silent scheduler stay its own, in milliseconds. @default 10_000 */
  readonly leaseMs?: number;
  /** How often the lease is renewed and recovery looks around, in milliseconds. @default 3_000 */
  readonly recoveryIntervalMs?: number;
  /** Most rows that one tick writes. @default 500 */
  readonly tickSize?: number;
}

export const DEFAULT_LEASE_MS = 10_000;
export const DEFAULT_RECOVERY_INTERVAL_MS = 3_000;
export const DEFAULT_TICK_SIZE = 500;

/** A retry that waits for its time. */
export interface WaitingRetry extends TaskOfRun {
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
  /** Runs that have scheduled task instances, in the order in which they get slots. */
  readonly line: ActiveRun[];
  readonly retries: TimerHeap<WaitingRetry>;
  /** Reports that no tick has written yet, oldest first. */
  readonly reports: AttemptReport[];
  /** Runs whose memory may be behind the database: they are read again before anything else is decided about them. */
  readonly stale: Set<string>;
  /** Attempts that were handed to the executor and have not ended. */
  inFlight: number;
  /** Whether runs may have become ready to be created or started. */
  mayStartRuns: boolean;
  /** When the next scheduled run is due; undefined where none is known. */
  nextScheduledAt: number | undefined;
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
    line: [],
    retries: new TimerHeap(),
    reports: [],
    stale: new Set(),
    inFlight: 0,
    mayStartRuns: true,
    nextScheduledAt: parts.clock.now(),
    nextRecoveryAt: parts.clock.now(),
  };
}

/** Puts the run into the line for slots, unless it is there or has nothing to queue. */
export function lineUp(state: SchedulerState, run: ActiveRun): void {
  if (run.isInLine || run.isPaused || run.ready.length === 0) return;
  run.isInLine = true;
  state.line.push(run);
}

/** Forgets a run: it has ended, or its memory is not to be trusted. */
export function forgetRun(state: SchedulerState, run: ActiveRun): void {
  if (state.runs.get(run.row.id) !== run) return;
  state.runs.delete(run.row.id);
  for (const task of run.tasks) state.byTaskInstance.delete(task.id);
  run.ready.length = 0;
}

/** Whether a task instance of an active run is at this very attempt. */
export function isCurrent({ task }: TaskOfRun, attempt: Attempt): boolean {
  return task.epoch === attempt.epoch;
}
