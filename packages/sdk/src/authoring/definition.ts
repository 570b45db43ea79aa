import type { CallbackTarget, SerializedDag } from '@tradewind/protocol';
import { callbackKey, type CallbackHandler } from './callbacks.ts';
import type { AnyTrigger, TriggerHandler } from './deferral.ts';
import type { TimetableCode } from './timetable.ts';

declare const PARAMS: unique symbol;
declare const EXTRA: unique symbol;

/**
 * Marks a dag definition. A registered symbol, because the author's copy of this package and the one that runs the task may be two:
 * what they share is this shape and not a class.
 */
export const DAG_DEFINITION: unique symbol = Symbol.for('tradewind.dag.v1') as never;

/**
 * What `dag()` returns underneath its typed surface: the dag as data, and the functions that the data cannot hold. Frozen.
 */
export interface DagDefinition {
  readonly [DAG_DEFINITION]: true;
  readonly dagId: string;
  readonly serialized: SerializedDag;
  /** By task id; tasks that the environment does without their code have none. */
  readonly handlers: ReadonlyMap<string, TaskHandler>;
  /** By task id, where a task has one. */
  readonly resumeHandlers: ReadonlyMap<string, ResumeHandler>;
  /** By task id, where a task has some. */
  readonly triggers: ReadonlyMap<string, readonly AnyTrigger[]>;
  /** By `callbackKey`, where there are some. */
  readonly callbacks: ReadonlyMap<string, readonly CallbackHandler[]>;
  /** Of a dag with a timetable of its own. */
  readonly timetable?: TimetableCode;
}

/** A dag: export it from a dag file. `Params` and `Extra` are what its runs are given. Frozen. */
export interface Dag<out Params = unknown, out Extra = unknown> extends DagDefinition {
  /** Exists for the compiler alone. */
  readonly [PARAMS]: Params;
  /** Exists for the compiler alone. */
  readonly [EXTRA]: Extra;
}

/** The author's function, or an operator's: resolved inputs and the context in, the value (or a promise of it) out. */
export type TaskHandler = (inputs: Readonly<Record<string, unknown>>, context: unknown) => unknown;

/** The author's function that a deferred task goes on with. */
export type ResumeHandler = (event: unknown, inputs: Readonly<Record<string, unknown>>, context: unknown, state: unknown) => unknown;

/** Whether a module's export is a dag. */
export function isDagDefinition(value: unknown): value is DagDefinition {
  return typeof value === 'object' && value !== null && (value as Partial<DagDefinition>)[DAG_DEFINITION] === true;
}

/** The code of a trigger that a task may wait for; undefined where the task has none of this name. */
export function findTrigger(definition: DagDefinition, taskId: string, name: string): TriggerHandler | undefined {
  const trigger = definition.triggers.get(taskId)?.find((one) => one.name === name);
  return trigger?.run as TriggerHandler | undefined;
}

/** The callbacks of a task, of a dag or of a deadline, in the order in which they are called; empty where there are none. */
export function findCallbacks(definition: DagDefinition, target: CallbackTarget): readonly CallbackHandler[] {
  return definition.callbacks.get(callbackKey(target)) ?? [];
}
