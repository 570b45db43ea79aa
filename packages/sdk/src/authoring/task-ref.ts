import { DefinitionError } from '../errors.ts';

declare const VALUE: unique symbol;

/** Marks a task ref. A registered symbol, because a dag file may mix two copies of this package. */
const TASK_REF: unique symbol = Symbol.for('tradewind.task-ref.v1') as never;

/**
 * A task of the dag that is being defined. Named in another task's `inputs` it is an edge and a value of type `T`; in `after` it is an edge.
 * It is not the value: that exists when the dag runs.
 */
export interface TaskRef<out T> {
  readonly dagId: string;
  readonly taskId: string;
  /** Exists for the compiler alone. */
  readonly [VALUE]: T;
}

/** Makes the ref of a task. Using it as text, or inside JSON, throws a `DefinitionError` that says what to write instead. */
export function createTaskRef<T>(dagId: string, taskId: string): TaskRef<T> {
  const refuse = (): never => {
    throw new DefinitionError(
      `dag "${dagId}"`,
      `the ref of task "${taskId}" was used as if it were the task’s value, which exists when the dag runs; name it in inputs`,
    );
  };
  const ref = Object.defineProperties(
    { dagId, taskId, [TASK_REF]: true },
    { [Symbol.toPrimitive]: { value: refuse }, toJSON: { value: refuse } },
  );
  return Object.freeze(ref) as unknown as TaskRef<T>;
}

/** Whether a value is a task ref, of this dag or of another one. */
export function isTaskRef(value: unknown): value is TaskRef<unknown> {
  return typeof value === 'object' && value !== null && (value as { [TASK_REF]?: true })[TASK_REF] === true;
}
