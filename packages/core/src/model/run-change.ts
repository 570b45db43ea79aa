import type { DagRunState, RunGraph, TaskInstanceState } from '@tradewind/protocol';

/** A task instance as somebody who wants to change it finds it. */
export interface FoundTaskInstance {
  readonly id: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly state: TaskInstanceState;
  readonly epoch: number;
  readonly tryNumber: number;
  readonly maxTries: number;
}

/** A run as somebody who wants to change it finds it. */
export interface FoundRun {
  readonly state: DagRunState;
  /** Of the version that the run is on, or is to be on from here. */
  readonly graph: RunGraph;
  readonly instances: readonly FoundTaskInstance[];
}

/** What becomes of one task instance. */
export interface TaskInstanceChange {
  readonly instance: FoundTaskInstance;
  readonly to: 'none' | 'restarting' | 'success' | 'failed' | 'skipped';
  /** How many tries it may have from here on. */
  readonly maxTries: number;
}

/** What becomes of a run and its task instances. Decided from what was found; written only where that is still so. */
export interface RunChange {
  readonly instances: readonly TaskInstanceChange[];
  /** Task instances that are not changed, and whose states the change was decided from all the same: it holds only while they stay. */
  readonly reliesOn?: readonly FoundTaskInstance[];
  /** Mapped tasks and groups that are to be expanded anew. */
  readonly scopes: readonly string[];
  /** The run's next state; `stays` where it keeps the one that it has. */
  readonly run: 'stays' | 'queued' | 'success' | 'failed';
  /** The verdict that somebody gave while teardowns still have to run: the run ends so. */
  readonly markedState?: 'success' | 'failed';
}
