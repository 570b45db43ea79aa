import type { JsonValue, TriggerRule } from '@tradewind/protocol';
import type { AnyAsset } from './asset.ts';
import type { TaskDefaults } from './dag-options.ts';
import type { TaskContext } from './task-context.ts';
import type { TaskRef } from './task-ref.ts';

/** What a task is given, by name: refs of other tasks (edge and value), and JSON literals. */
export type Inputs = { readonly [name: string]: TaskRef<unknown> | JsonValue };

/** The inputs as `run` receives them when every upstream task has succeeded. */
type Values<I> = { readonly [K in keyof I]: I[K] extends TaskRef<infer T> ? T : I[K] };

/** The inputs as `run` receives them under a trigger rule: any but `all_success` lets the task run when a value is missing. */
type Given<I, Rule> = Rule extends 'all_success'
  ? Values<I>
  : { readonly [K in keyof I]: I[K] extends TaskRef<infer T> ? T | undefined : I[K] };

/** What a task is besides its inputs, outlets and code. */
export interface TaskOptions extends TaskDefaults {
  /** Tasks that must end first although no value of theirs is needed. @default [] */
  readonly after?: readonly TaskRef<unknown>[];
  /** Shown in place of the id. */
  readonly displayName?: string;
  /** Markdown, shown on the task's page. */
  readonly doc?: string;
}

/** A task: what `d.task` takes, and what an operator's function returns. */
export interface TaskSpec<I extends Inputs, R, Rule extends TriggerRule, O extends readonly AnyAsset[], Params, Extra> extends TaskOptions {
  /** @default {} */
  readonly inputs?: I;
  /** When the task runs, given how the tasks before it ended. @default 'all_success' */
  readonly triggerRule?: Rule;
  /** The assets whose events the task may emit. @default [] */
  readonly outlets?: O;
  /** Which operator made the spec. @default 'function' */
  readonly operator?: string;
  /** The task's code. What it returns is passed on as JSON; nothing is null. */
  readonly run: (inputs: Given<I, Rule>, context: TaskContext<Params, Extra, O>) => R;
}

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
  readonly run: (inputs: Readonly<Record<string, unknown>>, context: TaskContext) => R;
}
