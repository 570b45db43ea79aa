import type { JsonObject, JsonValue, LogLevel, TaskInstanceState, TryDecision, TryFailure } from '@tradewind/protocol';
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
  /** The runs of other dags that tasks asked for, in the order of the tasks. None of them was made. */
  readonly triggeredRuns: readonly TriggeredRun[];
}

/** What became of one task; of a mapped task, of all its task instances together. */
export interface TaskResult {
  /** Of a mapped task: `failed` or `upstream_failed` where one task instance is, else `success` where one is, else `skipped`. */
  readonly state: Extract<TaskInstanceState, 'success' | 'failed' | 'skipped' | 'upstream_failed'>;
  /** What downstream tasks received; undefined unless the task succeeded. Of a mapped task the list of the values. */
  readonly value: JsonValue | undefined;
  /** 0 where the task's code never ran. Of a mapped task, of all task instances together. */
  readonly tries: number;
  /** Why the last try failed; undefined where it did not. */
  readonly error: TryFailure | undefined;
  /** Why the task skipped itself; undefined where it did not. */
  readonly skipReason: string | undefined;
  /** What a branch or a short circuit chose; undefined where it is none, or did not succeed. */
  readonly decision: TryDecision | undefined;
  /** Of a mapped task, or one in a mapped group: its task instances in the order of their map indices; empty for others. */
  readonly instances: readonly TaskInstanceResult[];
  readonly events: readonly EmittedAssetEvent[];
  /** What the task wrote to `context.log`, in all tries. */
  readonly log: readonly LoggedLine[];
}

/** What became of one task instance of a mapped task. */
export interface TaskInstanceResult extends Omit<TaskResult, 'instances'> {
  readonly mapIndex: number;
  /** What `mapIndexTemplate` made of it; undefined without one. */
  readonly mapIndexLabel: string | undefined;
}

/** A run of another dag that `triggerDagRun` asked for. */
export interface TriggeredRun {
  readonly taskId: string;
  readonly dagId: string;
  readonly conf: JsonObject;
  readonly logicalDate: string | undefined;
  readonly runId: string | undefined;
  readonly note: string | undefined;
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
