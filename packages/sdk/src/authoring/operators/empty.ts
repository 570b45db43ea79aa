import type { OperatorSpec } from '../task-spec.ts';

/** The operator whose tasks the scheduler completes without starting a process. */
export const EMPTY_OPERATOR = 'empty';
/** Marks the code of `empty()`; registered, because a dag file may mix two copies of this package. */
const EMPTY_RUN: unique symbol = Symbol.for('tradewind.empty-run.v1') as never;

/**
 * A task that does nothing: a place where edges meet. It succeeds at once, in no process.
 *
 * @example
 * const ready = d.task('ready', { ...empty(), after: [orders, customers] });
 * d.task('report', { after: [ready], run: () => report() });
 */
export function empty(): OperatorSpec<null> {
  return { operator: EMPTY_OPERATOR, run: Object.assign(() => null, { [EMPTY_RUN]: true }) };
}

/** Whether a task's code is the one that `empty()` gave it. */
export function isEmptyRun(run: unknown): boolean {
  return typeof run === 'function' && EMPTY_RUN in run;
}
