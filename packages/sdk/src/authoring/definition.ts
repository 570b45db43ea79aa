import type { SerializedDag } from '@tradewind/protocol';

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
  /** By task id. */
  readonly handlers: ReadonlyMap<string, TaskHandler>;
}

/** The author's function, or an operator's: resolved inputs and the context in, the value (or a promise of it) out. */
export type TaskHandler = (inputs: Readonly<Record<string, unknown>>, context: unknown) => unknown;

/** Whether a module's export is a dag. */
export function isDagDefinition(value: unknown): value is DagDefinition {
  return typeof value === 'object' && value !== null && (value as Partial<DagDefinition>)[DAG_DEFINITION] === true;
}
