import { DefinitionError } from '../errors.ts';

declare const VALUE: unique symbol;
declare const SETUP: unique symbol;
declare const TEARDOWN: unique symbol;

/** Marks a task ref. A registered symbol, because a dag file may mix two copies of this package. */
const TASK_REF: unique symbol = Symbol.for('tradewind.task-ref.v1') as never;
/** Marks what a mapped group is expanded over, as the tasks inside name it. */
const EXPANDED_REF: unique symbol = Symbol.for('tradewind.expanded-ref.v1') as never;

/** What an input can be bound to besides a literal: something that has a value of type `T` when the dag runs. */
export interface InputRef<out T> {
  readonly dagId: string;
  /** Exists for the compiler alone. */
  readonly [VALUE]: T;
}

/**
 * A task of the dag that is being defined. Named in another task's `inputs` it is an edge and a value of type `T`; in `after` it is an edge.
 * It is not the value: that exists when the dag runs.
 */
export interface TaskRef<out T> extends InputRef<T> {
  readonly taskId: string;
}

/** A task that makes what other tasks work with; a teardown names it in `setups`. */
export interface SetupRef<out T> extends TaskRef<T> {
  /** Exists for the compiler alone. */
  readonly [SETUP]: true;
}

/** A task that takes away what setups have made. */
export interface TeardownRef<out T> extends TaskRef<T> {
  /** Exists for the compiler alone. */
  readonly [TEARDOWN]: true;
}

/** What one index of a mapped group is given under a name. Only tasks inside of that group can name it in their `inputs`. */
export interface ExpandedRef<out T> extends InputRef<T> {
  readonly groupId: string;
  readonly name: string;
}

/** Makes the ref of a task. Using it as text, or inside JSON, throws a `DefinitionError` that says what to write instead. */
export function createTaskRef<T>(dagId: string, taskId: string, more: object = {}): TaskRef<T> {
  return markRef(TASK_REF, { dagId, taskId, ...more }, `task "${taskId}"`) as TaskRef<T>;
}

/** Makes the ref of what a mapped group is given under a name; it is guarded as that of a task. */
export function createExpandedRef<T>(dagId: string, groupId: string, name: string): ExpandedRef<T> {
  return markRef(EXPANDED_REF, { dagId, groupId, name }, `"${name}" of the mapped group "${groupId}"`) as ExpandedRef<T>;
}

/** Whether a value is a task ref, of this dag or of another one. */
export function isTaskRef(value: unknown): value is TaskRef<unknown> {
  return isMarked(value, TASK_REF);
}

/** Whether a value is what a mapped group is given, of this dag or of another one. */
export function isExpandedRef(value: unknown): value is ExpandedRef<unknown> {
  return isMarked(value, EXPANDED_REF);
}

/** How a message names a ref. */
export function showRef(ref: InputRef<unknown>): string {
  return isExpandedRef(ref) ? `"${ref.name}" of the mapped group "${ref.groupId}"` : `task "${(ref as TaskRef<unknown>).taskId}"`;
}

function markRef(mark: symbol, fields: object, name: string): unknown {
  const { dagId } = fields as { dagId: string };
  const refuse = (): never => {
    throw new DefinitionError(
      `dag "${dagId}"`,
      `the ref of ${name} was used as if it were the value, which exists when the dag runs; name it in inputs`,
    );
  };
  const ref = Object.defineProperties({ ...fields, [mark]: true }, { [Symbol.toPrimitive]: { value: refuse }, toJSON: { value: refuse } });
  return Object.freeze(ref);
}

function isMarked(value: unknown, mark: symbol): boolean {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[mark] === true;
}
