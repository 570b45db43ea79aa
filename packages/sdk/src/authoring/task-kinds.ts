import type { Duration, JsonObject, TriggerRule } from '@tradewind/protocol';
import type { Outlet } from './asset-lists.ts';
import type { Dag } from './definition.ts';
import type { Expand, Expanded } from './expand.ts';
import type { AfterItem } from './group-ref.ts';
import type { TaskContext } from './task-context.ts';
import type { TaskDefaults } from './task-defaults.ts';
import type { ExpandedRef, InputRef, SetupRef, TaskRef, TeardownRef } from './task-ref.ts';
import type { CodeOptions, DeferralOptions, EventItself, Given, Inputs, Resume, RuleAndOutlets, TaskOptions } from './task-spec.ts';

/** A mapped task: as many task instances as its expansion has elements, each given its own one beside the inputs. */
export interface MappedTaskSpec<
  E extends Expand,
  I extends Inputs,
  R,
  Rule extends TriggerRule,
  O extends readonly Outlet[],
  Params,
  Extra,
  S = EventItself,
>
  extends CodeOptions<Params, Extra>, RuleAndOutlets<Rule, O>, DeferralOptions {
  /** What `run` is given in each task instance, beside what it is expanded over. @default {} */
  readonly inputs?: I & Apart<E>;
  /** As of a task. */
  readonly run: (inputs: Given<I, Rule> & Expanded<E>, context: TaskContext<Params, Extra, O>) => R;
  /** As of a task. */
  readonly resume?: Resume<Given<I, Rule> & Expanded<E>, R, S, TaskContext<Params, Extra, O>>;
  /** Lists by the name of an input, of which every combination is a task instance (the last name varies fastest), or `sets(list)`. */
  readonly expand: E;
  /**
   * Names each task instance in place of its map index: a template that is given the inputs, `value`, `params`, `task_id`, `run_id` and `map_index`, such
   * as `'{{ region }}'`.
   */
  readonly mapIndexTemplate?: string;
}

/** An input cannot have the name of something that the task is expanded over. */
type Apart<E> = { readonly [Name in keyof Expanded<E>]?: never };

/** What a branch may return: a label, several, or none at all. */
export type Chosen<Label extends string> = Label | readonly Label[] | null | undefined | void;

/** A branch. */
export interface BranchSpec<Label extends string, I extends Inputs, Rule extends TriggerRule, O extends readonly Outlet[], Params, Extra>
  extends CodeOptions<Params, Extra>, RuleAndOutlets<Rule, O> {
  /** What `run` is given. @default {} */
  readonly inputs?: I;
  /** The labels that it chooses from, each to be followed by at least one task or group. */
  readonly choices: readonly Label[];
  /** Which of them are followed. */
  readonly run: (
    inputs: Given<I, Rule>,
    context: TaskContext<Params, Extra, O>,
  ) => Chosen<NoInfer<Label>> | Promise<Chosen<NoInfer<Label>>>;
}

/** A task that decides whether the work below it goes on. */
export interface ShortCircuitSpec<I extends Inputs, Rule extends TriggerRule, O extends readonly Outlet[], Params, Extra>
  extends CodeOptions<Params, Extra>, RuleAndOutlets<Rule, O> {
  /** What `run` is given. @default {} */
  readonly inputs?: I;
  /** Whether everything below is skipped, or only what is directly below and the trigger rules decide about the rest. @default true */
  readonly ignoreDownstreamTriggerRules?: boolean;
  /** Whether the run goes on below. */
  readonly run: (inputs: Given<I, Rule>, context: TaskContext<Params, Extra, O>) => boolean | Promise<boolean>;
}

/** Which task sensors there are: what a poke returns. A value is what the sensor passes on. */
export type PokeResult = boolean | { readonly done: boolean; readonly value?: unknown };

/** How a sensor asks, and what it does where the answer does not come. */
export interface SensorOptions {
  /** `poke` keeps its slot and its process between two pokes, `reschedule` gives them back. @default 'poke' */
  readonly mode?: 'poke' | 'reschedule';
  /** The wait between two pokes. @default { minutes: 1 } */
  readonly pokeInterval?: Duration;
  /** From the first poke on, over reschedules and retries. Passing it is a failure without retry. @default { days: 7 } */
  readonly timeout?: Duration;
  /**
   * What a timeout or an error does. `fail`: a timeout fails the task for good, an error is a failed try. `soft`: a timeout, or `context.fail`, skips the task.
   * `never`: they and every error skip it. `silent`: an error is logged and the sensor asks again. @default 'fail'
   */
  readonly onFailure?: 'fail' | 'soft' | 'never' | 'silent';
  /** Doubles the wait from poke to poke, with some variation. @default false */
  readonly exponentialBackoff?: boolean;
  /** No wait is longer. @default none */
  readonly maxWait?: Duration;
}

/** A sensor: a task that waits until something is there. */
export interface SensorSpec<I extends Inputs, R, Rule extends TriggerRule, O extends readonly Outlet[], Params, Extra>
  extends CodeOptions<Params, Extra>, RuleAndOutlets<Rule, O>, SensorOptions {
  /** What `poke` is given. @default {} */
  readonly inputs?: I;
  /** Whether it is there: true, or `{ done: true, value }`. Asked again until it is. */
  readonly poke: (inputs: Given<I, Rule>, context: TaskContext<Params, Extra, O>) => R;
}

/** What the function of a sensor operator returns; spread it into `d.sensor` and add what the sensor needs. */
export interface SensorOperatorSpec<R> {
  readonly operator: string;
  readonly fields?: JsonObject;
  readonly templateFields?: readonly string[];
  readonly poke: (inputs: Readonly<Record<string, unknown>>, context: TaskContext) => R;
}

/** What a sensor passes on, given what its poke returns. */
export type PokeValue<V> = V extends boolean
  ? null
  : V extends { readonly done: false }
    ? never
    : V extends { readonly value: infer T }
      ? T
      : null;

/** A teardown. Its trigger rule is always `all_done_setup_success`. */
export interface TeardownSpec<
  Setups extends readonly SetupRef<unknown>[],
  I extends Inputs,
  R,
  O extends readonly Outlet[],
  Params,
  Extra,
> extends CodeOptions<Params, Extra> {
  /** The assets whose events the task may emit. @default [] */
  readonly outlets?: O;
  /** What `run` is given. @default {} */
  readonly inputs?: I;
  /** The setups whose work it takes away. It runs where one of them succeeded, however the work went. @default [] */
  readonly setups?: Setups;
  /** Whether its failure fails the run. @default false */
  readonly failsDagRun?: boolean;
  readonly run: (inputs: GivenTeardown<I, Setups>, context: TaskContext<Params, Extra, O>) => R;
}

/** With one setup its value is there whenever the teardown runs; with several, or of another task, it may be missing. */
type GivenTeardown<I, Setups extends readonly unknown[]> = Setups['length'] extends 1
  ? {
      readonly [K in keyof I]: I[K] extends ExpandedRef<infer T> | SetupRef<infer T>
        ? T
        : I[K] extends InputRef<infer T>
          ? T | undefined
          : I[K];
    }
  : Given<I, 'all_done_setup_success'>;

/** What a scope is between. */
export interface ScopeOptions {
  /** They end before anything inside begins. The setups of the teardowns are among them without being named. @default [] */
  readonly setups?: readonly SetupRef<unknown>[];
  /** They begin when everything inside has ended. @default [] */
  readonly teardowns?: readonly TeardownRef<unknown>[];
}

/** A group of tasks. */
export interface GroupOptions {
  readonly displayName?: string;
  /** Markdown. */
  readonly doc?: string;
  /** Whether the ids of what is inside begin with the group's id and a dot. @default true */
  readonly prefixGroupId?: boolean;
  /** Options for each task inside that does not set them itself. @default {} */
  readonly taskDefaults?: TaskDefaults;
  /** What must end before the first tasks inside begin. @default [] */
  readonly after?: readonly AfterItem[];
}

/** A mapped group: its tasks have as many task instances as the expansion has elements, and each index runs on its own. */
export interface MappedGroupOptions<E extends Expand> extends GroupOptions {
  /** As for a mapped task. */
  readonly expand: E;
}

/** A dag, or its id. */
export type DagOrId = string | Dag;

/** What a run of a dag can be told. */
export type ConfOf<D> = D extends Dag<infer Params> ? Partial<Params> : JsonObject;

/** A task that starts a run of another dag of this environment. */
export interface TriggerDagRunSpec<D extends DagOrId, Params> extends TaskOptions<Params> {
  /** The dag, or its id. */
  readonly dag: D;
  /** The params of the run: values, or a task that returns them. @default {} */
  readonly conf?: NoInfer<ConfOf<D>> | TaskRef<NoInfer<ConfOf<D>>>;
  /** @default none */
  readonly logicalDate?: string | Temporal.Instant | TaskRef<string>;
  /** @default made up by the environment */
  readonly runId?: string | TaskRef<string>;
  /** Text beside the run. */
  readonly note?: string | TaskRef<string>;
  /** Whether the task ends only when the run has. It waits without a slot. @default false */
  readonly waitForCompletion?: boolean;
  /** Where the run exists already: fail, clear it and run it again, or skip this task. @default 'fail' */
  readonly onExisting?: 'fail' | 'reset' | 'skip';
  /** Whether a dag that is paused is a failure, and not a run that waits. @default false */
  readonly failWhenDagIsPaused?: boolean;
  /** How the run must end where it is waited for. @default ['success'] */
  readonly allowedStates?: readonly ('success' | 'failed')[];
  /** How it must not end. @default ['failed'] */
  readonly failedStates?: readonly ('success' | 'failed')[];
  /** @default 'all_success' */
  readonly triggerRule?: TriggerRule;
}
