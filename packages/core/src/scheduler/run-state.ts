import type { FinishedTaskInstanceState, JsonObject, TaskInstanceState, TriggeringEvent } from '@tradewind/protocol';
import type { DagGraph } from '../model/dag-graph.ts';
import type { ActiveDagRun } from '../store/transitions/start-dag-runs.ts';

/** A task instance of an active run. */
export interface ActiveTask {
  readonly id: string;
  readonly index: number;
  state: TaskInstanceState;
  epoch: number;
  tryNumber: number;
  maxTries: number;
  losses: number;
  retryAt: number | null;
  /** When the current try entered the author's function. */
  startedAt: number | null;
  /** How the task's upstream ended so far: the readiness counter. */
  readonly upstream: { total: number } & Record<FinishedTaskInstanceState, number>;
  /** JSON text of what it returned, where that is small enough to keep for the tasks that follow. */
  valueJson: string | undefined;
}

/** A run with its task instances, by place in the graph. */
export interface ActiveRun {
  readonly row: ActiveDagRun;
  readonly graph: DagGraph;
  readonly params: JsonObject;
  readonly events: readonly TriggeringEvent[];
  readonly tasks: readonly ActiveTask[];
  /** Task instances that have not ended. */
  unfinished: number;
  /** Task instances that are queued or running: they count against `max_active_tasks`. */
  occupied: number;
  /** Places of scheduled task instances, oldest first. */
  readonly ready: number[];
  /** Whether the run stands in the scheduler's line for slots. */
  isInLine: boolean;
  /** Whether the end of the run has been decided. */
  isFinishing: boolean;
  /** Whether the dag turned out to be paused when a task should have been queued. */
  isPaused: boolean;
}
