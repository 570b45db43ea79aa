import type {
  CallbackTarget,
  DagCallback,
  DagRunState,
  JsonObject,
  JsonValue,
  TaskCallback,
  TaskInstanceState,
  TryFailure,
} from '@tradewind/protocol';
import type { DataInterval, TaskLog } from './task-context.ts';

/** What every callback is told about the run. */
export interface CallbackContext<Params = JsonObject> {
  readonly dagId: string;
  readonly runId: string;
  readonly logicalDate: Temporal.Instant | null;
  readonly dataInterval: DataInterval | null;
  readonly runAfter: Temporal.Instant;
  readonly params: Params;
  /** The same when the call is repeated because nobody knows whether it was made, and in no other call: what a receiver tells doubles by. */
  readonly callbackId: string;
  /** Aborts when the callback takes too long. */
  readonly signal: AbortSignal;
  readonly log: TaskLog;
}

/** What a callback of a task is told. */
export interface TaskCallbackContext<Params = JsonObject> extends CallbackContext<Params> {
  readonly taskId: string;
  /** -1 for a task that is not mapped. */
  readonly mapIndex: number;
  readonly tryNumber: number;
  readonly maxTries: number;
  /** The state that the task instance got into. */
  readonly state: TaskInstanceState;
  /** Why the try failed; undefined where it did not. */
  readonly failure: TryFailure | undefined;
  /** Why the task skipped itself; undefined where it did not. */
  readonly skipReason: string | undefined;
}

/** What a callback of a dag is told. */
export interface DagCallbackContext<Params = JsonObject> extends CallbackContext<Params> {
  readonly state: DagRunState;
  /** Why the run is in that state: `task_failure`, `timed_out`, `all_tasks_deadlocked` or `success`. */
  readonly reason: string;
}

/** What the callback of a deadline is told. */
export interface DeadlineCallbackContext<Params = JsonObject> extends CallbackContext<Params> {
  /** False where the run should exist and was never created; `runId` is then the id that it would have. */
  readonly runExists: boolean;
  readonly deadlineName: string;
  /** The moment that was missed. */
  readonly deadlineAt: Temporal.Instant;
}

/**
 * A function that is called when something has happened. It runs beside the work and not in it: what it returns is ignored, and where it throws, the log
 * says so and nothing else changes. A notifier is a function that returns one.
 *
 * @example
 * const tellTeam = (channel: string): Callback => async ({ dagId, runId, signal }) => {
 *   await fetch(hookOf(channel), { method: 'POST', body: `${dagId} ${runId}`, signal });
 * };
 * dag('orders', { on: { failure: tellTeam('data') } }, define);
 */
export type Callback<Context = CallbackContext> = (context: Context) => unknown;

/** One function, or several that are called one after the other. */
export type Callbacks<Context> = Callback<Context> | readonly Callback<Context>[];

/** A task's callbacks, by what has happened. `skipped` is called where the task skipped itself, and not where its branch or trigger rule did. */
export type TaskCallbacks<Params = JsonObject> = { readonly [When in TaskCallback]?: Callbacks<TaskCallbackContext<Params>> };

/** A dag's callbacks, by how its run ended. */
export type DagCallbacks<Params = JsonObject> = { readonly [When in DagCallback]?: Callbacks<DagCallbackContext<Params>> };

/** A callback as the definition keeps it. */
export type CallbackHandler = (context: unknown) => unknown;

/** The key that a definition keeps the callbacks of a target under. */
export function callbackKey(target: CallbackTarget): string {
  switch (target.of) {
    case 'task':
      return JSON.stringify(['task', target.taskId, target.when]);
    case 'dag':
      return JSON.stringify(['dag', target.when]);
    case 'deadline':
      return JSON.stringify(['deadline', target.name]);
  }
}

/** What `weightRule` is told where it is a function: the task as far as it is known when it is defined. */
export interface WeighedTask {
  readonly dagId: string;
  readonly taskId: string;
  readonly operator: string;
  readonly groupId: string | undefined;
  /** What `priorityWeight` says; 1 where nothing does. */
  readonly priorityWeight: number;
  readonly pool: string;
  readonly queue: string;
  readonly retries: number;
  readonly fields: Readonly<Record<string, JsonValue>>;
}
