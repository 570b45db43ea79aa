import type { JsonValue, LogLevel, TaskInstanceState, TryFailure } from '@tradewind/protocol';
import type { LogFields } from '../authoring/task-context.ts';

/** What became of a run that `runDag` made. */
export interface DagRunResult {
  /** `failed` where a task that no other waits for failed, as in Airflow. */
  readonly state: 'success' | 'failed';
  /** By task id. */
  readonly tasks: Readonly<Record<string, TaskResult>>;
  /** The same results; throws an `SdkError` (`bad_test_run`) for an id that the dag does not have. */
  readonly task: (taskId: string) => TaskResult;
  /** Every event that was emitted, in the order of the tasks. */
  readonly events: readonly EmittedAssetEvent[];
}

/** What became of one task. */
export interface TaskResult {
  readonly state: Extract<TaskInstanceState, 'success' | 'failed' | 'skipped' | 'upstream_failed'>;
  /** What downstream tasks received; undefined unless the task succeeded. */
  readonly value: JsonValue | undefined;
  /** 0 where the task's code never ran. */
  readonly tries: number;
  /** Why the last try failed; undefined where it did not. */
  readonly error: TryFailure | undefined;
  /** Why the task skipped itself; undefined where it did not. */
  readonly skipReason: string | undefined;
  readonly events: readonly EmittedAssetEvent[];
  /** What the task wrote to `context.log`, in all tries. */
  readonly log: readonly LoggedLine[];
}

/** An asset event that a task emitted. */
export interface EmittedAssetEvent {
  readonly assetName: string;
  readonly taskId: string;
  readonly extra: JsonValue;
}

/** One call of `context.log`. */
export interface LoggedLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}
