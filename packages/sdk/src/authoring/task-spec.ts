import type { JsonObject, JsonValue, TriggerRule } from '@tradewind/protocol';
import type { Inlet, Outlet } from './asset-lists.ts';
import type { AnyTrigger, Deferred } from './deferral.ts';
import type { AfterItem } from './group-ref.ts';
import type { TaskContext } from './task-context.ts';
import type { TaskDefaults } from './task-defaults.ts';
import type { ExpandedRef, TaskRef } from './task-ref.ts';
import type { Jsonify, TaskValue } from './task-value.ts';

/** What a task is given, by name: refs of other tasks (edge and value), what a mapped group is expanded over, and JSON literals. */
export type Inputs = { readonly [name: string]: TaskRef<unknown> | ExpandedRef<unknown> | JsonValue };

/** The inputs as `run` receives them when every upstream task has succeeded. */
export type Values<I> = {
  readonly [K in keyof I]: I[K] extends TaskRef<infer T> ? T : I[K] extends ExpandedRef<infer T> ? T : I[K];
};

/** The inputs as `run` receives them under a trigger rule: any but `all_success` lets the task run when a value is missing. */
export type Given<I, Rule> = Rule extends 'all_success'
  ? Values<I>
  : {
      readonly [K in keyof I]: I[K] extends TaskRef<infer T> ? T | undefined : I[K] extends ExpandedRef<infer T> ? T : I[K];
    };

/** What a task is besides its inputs and its code, whatever kind of task it is. */
export interface TaskOptions<Params = JsonObject> extends TaskDefaults<Params> {
  /** What must end first although no value of it is needed: tasks, groups (their last tasks) and choices of branches. @default [] */
  readonly after?: readonly AfterItem[];
  /** Shown in place of the id. */
  readonly displayName?: string;
  /** Markdown, shown on the task's page. */
  readonly doc?: string;
}

/** Conditions that are asked in the task's process before its code; the task is skipped where they do not hold. */
export interface TaskConditions<Params, Extra> {
  /** Runs the task only where this is true. Asked at each try, and not again when a deferred task resumes. */
  readonly runIf?: (context: TaskContext<Params, Extra>) => boolean | Promise<boolean>;
  /** Skips the task where this is true; asked after `runIf`. */
  readonly skipIf?: (context: TaskContext<Params, Extra>) => boolean | Promise<boolean>;
}

/** What tasks that run the author's code have in common. Without what differs from task to task, so that the compiler reads it once for all of them. */
export interface CodeOptions<Params, Extra> extends TaskOptions<Params>, TaskConditions<Params, Extra> {
  /** The assets whose events the task may read. @default [] */
  readonly inlets?: readonly Inlet[];
  /** The variables that the task may read. @default those that the environment allows every task */
  readonly variables?: readonly string[];
  /** The connections that the task may read. @default those that the environment allows every task */
  readonly connections?: readonly string[];
  /** Which operator made the spec. @default 'function' */
  readonly operator?: string;
  /** What the operator was told, shown on the task's page. @default {} */
  readonly fields?: JsonObject;
  /** The fields that are templates, rendered before each try. @default [] */
  readonly templateFields?: readonly string[];
}

/** What such a task can be told besides, which its types follow. */
export interface RuleAndOutlets<Rule extends TriggerRule, O extends readonly Outlet[]> {
  /** When the task runs, given how the tasks before it ended. @default 'all_success' */
  readonly triggerRule?: Rule;
  /** The assets whose events the task may emit. @default [] */
  readonly outlets?: O;
}

/** What is called when what a deferred task waited for has happened. `G` is what `run` is given, `R` and `S` what `run` and `resume` return. */
export type Resume<G, R, S, Context> = (event: EventOf<R>, inputs: G, context: Context, state: StateOf<R>) => S;

/** What tasks that may be deferred have beside their code. */
export interface DeferralOptions {
  /** The triggers that the task may wait for. @default [] */
  readonly triggers?: readonly AnyTrigger[];
}

/** A task: what `d.task` takes, and what an operator's function returns. */
export interface TaskSpec<I extends Inputs, R, Rule extends TriggerRule, O extends readonly Outlet[], Params, Extra, S = EventItself>
  extends CodeOptions<Params, Extra>, DeferralOptions {
  /** When the task runs, given how the tasks before it ended. @default 'all_success' */
  readonly triggerRule?: Rule;
  /** The assets whose events the task may emit. @default [] */
  readonly outlets?: O;
  /** What `run` is given. @default {} */
  readonly inputs?: I;
  /** The task's code. What it returns is passed on as JSON; nothing is null. Returning `defer(…)` leaves the slot until the trigger has an event. */
  readonly run: (inputs: Given<I, Rule>, context: TaskContext<Params, Extra, O>) => R;
  /**
   * Called in a process of its own with the event that the task waited for, its inputs once more, and the state that `defer` was given. What it returns is
   * the task's value; it may defer again. @default the event is the value
   */
  readonly resume?: Resume<Given<I, Rule>, R, S, TaskContext<Params, Extra, O>>;
  /** Defers the task before its code runs for the first time, so that waiting takes no slot at all; `run` is called only where the task is not deferred. */
  readonly startFromTrigger?: Deferred<unknown, unknown>;
}

declare const EVENT_ITSELF: unique symbol;

/** Stands for what `resume` returns where there is none: the event is passed on as it is. */
export interface EventItself {
  readonly [EVENT_ITSELF]: true;
}

/** The event that a function which returns `R` may be resumed with. */
export type EventOf<R> = Awaited<R> extends infer V ? (V extends Deferred<infer Event, unknown> ? Event : never) : never;
/** The state that a function which returns `R` may be resumed with. */
export type StateOf<R> = Awaited<R> extends infer V ? (V extends Deferred<unknown, infer State> ? State : never) : never;

/** What downstream tasks receive of a task whose `run` returns `R` and whose `resume` returns `S`. */
export type RunValue<R, S> = Passed<Awaited<R>, S>;

/** Most values are JSON, which is asked first: it keeps checking cheap. */
type Passed<V, S> = V extends void
  ? null
  : V extends JsonValue
    ? V
    : V extends Deferred<infer Event, unknown>
      ? S extends EventItself
        ? Jsonify<Event>
        : Resumed<Awaited<S>>
      : Jsonify<V>;
type Resumed<V> = V extends Deferred<unknown, unknown> ? never : TaskValue<V>;

/**
 * What an operator's function returns: a spec whose code takes any inputs. Spread it into `d.task` and add what the task needs.
 *
 * @example
 * function httpGet(url: string): OperatorSpec<Promise<string>> {
 *   return { operator: 'http_get', run: async (_, { signal }) => (await fetch(url, { signal })).text() };
 * }
 * d.task('page', { ...httpGet('https://example.org/'), retries: 3 });
 */
export interface OperatorSpec<R> {
  readonly operator: string;
  readonly fields?: JsonObject;
  readonly templateFields?: readonly string[];
  readonly run: (inputs: Readonly<Record<string, unknown>>, context: TaskContext) => R;
}
