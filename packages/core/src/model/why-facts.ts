import type { DagRunState, Deferral, RunGraph, TaskInstanceState, TryDecision, TryFailure } from '@tradewind/protocol';

/** What is known of a dag and of what works on it. Times are milliseconds since the epoch. */
export interface DagFacts {
  readonly now: number;
  readonly dagId: string;
  readonly isPaused: boolean;
  /** Whether no file defines it any more. */
  readonly isStale: boolean;
  readonly hasImportErrors: boolean;
  readonly maxActiveRuns: number;
  /** What starts it on its own, in words; null for nothing. */
  readonly schedule: string | null;
  readonly nextRunAt: number | null;
  /** When a scheduler last said that it lives; null where none did, or the last one has ended. */
  readonly schedulerSeenAt: number | null;
}

/** What is known of a run. */
export interface RunFacts {
  readonly runId: string;
  readonly state: DagRunState;
  readonly runAfterAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly endReason: string | null;
  /** Runs that count against the same limit. */
  readonly runningRuns: readonly string[];
  /** Runs in line before it. */
  readonly runsAhead: number;
  /** Only for a run of a backfill, whose own limit then counts. */
  readonly backfill?: { readonly isPaused: boolean; readonly maxActiveRuns: number };
}

/** What is known of each task instance of the run. */
export interface InstanceFacts {
  readonly taskId: string;
  readonly mapIndex: number;
  readonly state: TaskInstanceState;
  readonly decision: TryDecision | null;
}

/** What is known of the task instance that is asked about. */
export interface AskedInstance extends InstanceFacts {
  readonly tryNumber: number;
  readonly maxTries: number;
  readonly queuedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly retryAt: number | null;
  readonly failure: TryFailure | null;
  readonly deferral: Deferral | null;
  readonly pool: string;
  readonly poolSlots: number;
}

/** The pool that it wants a slot of. */
export interface PoolFacts {
  /** -1 for no limit. */
  readonly slots: number;
  readonly occupied: number;
  /** Who holds the slots, in words; not necessarily all of them. */
  readonly holders: readonly string[];
}

/** The run before, where the task looks at it. */
export interface PastFacts {
  readonly isMet: boolean;
  /** Undefined for the first run. */
  readonly runId?: string;
  /** How the task stands there. */
  readonly states: readonly TaskInstanceState[];
}

/** Everything that decides whether a task instance runs. */
export interface TaskFacts {
  readonly dag: DagFacts;
  readonly run: RunFacts;
  /** Of the version that the run is on. */
  readonly graph: RunGraph;
  readonly instances: readonly InstanceFacts[];
  readonly asked: AskedInstance;
  /** Undefined where there is no pool of that name. */
  readonly pool: PoolFacts | undefined;
  /** Undefined for a task that does not look at the past. */
  readonly past: PastFacts | undefined;
  /** Task instances of the task that are queued or running in all runs of the dag. */
  readonly busyInDag: number;
  /** Attempts of all dags that are queued or running. */
  readonly busyInEnvironment: number;
}
