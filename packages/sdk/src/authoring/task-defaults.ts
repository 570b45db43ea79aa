import type { Duration, Isolation, JsonObject, WeightRule } from '@tradewind/protocol';
import type { TaskCallbacks, WeighedTask } from './callbacks.ts';

/** What a task can set for itself, and a dag or a group for all its tasks: a task's own option wins over its group's, and that over the dag's. */
export interface TaskDefaults<Params = JsonObject> {
  /** How many tries follow a failed first one. @default 0 */
  readonly retries?: number;
  /** The wait between the end of a failed try and the next one. @default { minutes: 5 } */
  readonly retryDelay?: Duration;
  /** Each wait is about this many times as long as the one before; 1 and up. Waits vary a little, so that tasks do not come back all at once. @default 1 */
  readonly retryBackoff?: number;
  /** No wait is longer, whatever `retryBackoff` makes of it. @default none */
  readonly maxRetryDelay?: Duration;
  /** A try that takes longer is ended and counts as failed. @default none */
  readonly executionTimeout?: Duration;
  /** `warm` reuses a process for one try after the other, `process` takes a fresh one for each. @default 'warm' */
  readonly isolation?: Isolation;
  /** Waits for the same task of the run before, and runs only where that succeeded or was skipped. @default false */
  readonly dependsOnPast?: boolean;
  /** Lets the task instance run that has none before it. @default false */
  readonly ignoreFirstDependsOnPast?: boolean;
  /** As `dependsOnPast`, and the tasks directly below it in the run before must have succeeded, too, or been skipped. @default false */
  readonly waitForDownstream?: boolean;
  /** Lets a skip by trigger rule wait, too, until the run before allows it. @default false */
  readonly waitForPastDependsBeforeSkipping?: boolean;
  /** The pool that the task takes slots of. @default 'default_pool' */
  readonly pool?: string;
  /** @default 1 */
  readonly poolSlots?: number;
  /** Of the tasks that wait for a slot the one with the larger total goes first. @default 1 */
  readonly priorityWeight?: number;
  /**
   * What the total is: the own weight and those of all tasks below (`downstream`) or above (`upstream`), the own one alone (`absolute`), or what a
   * function returns when the task is defined. @default 'downstream'
   */
  readonly weightRule?: WeightRule | ((task: WeighedTask) => number);
  /** Which workers take the task, where the executor has queues. @default 'default' */
  readonly queue?: string;
  /** Which of the environment's executors runs it. @default the first one */
  readonly executor?: string;
  /** How many task instances of the task run at once, over all runs. @default no limit */
  readonly maxActiveTisPerDag?: number;
  /** How many run at once in one run; of use for mapped tasks. @default no limit */
  readonly maxActiveTisPerDagrun?: number;
  /** Functions that are called when a task instance gets somewhere. A task's own replace those of its dag for the same occasion. @default {} */
  readonly on?: TaskCallbacks<Params>;
}
