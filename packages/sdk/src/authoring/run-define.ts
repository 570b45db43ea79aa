import { DefinitionError } from '../errors.ts';
import { showValue } from './show-value.ts';

/**
 * Calls the author's callback that adds tasks, once, and returns what it returns.
 * @param what whose callback it is, as in `the callback of dag()`
 * @throws DefinitionError where it is no function, or async
 */
export function runDefine(where: string, what: string, define: unknown, given: readonly unknown[]): unknown {
  if (typeof define !== 'function')
    throw new DefinitionError(where, `${what} must be a function (d) => { … } and not ${showValue(define)}`);
  const returned: unknown = (define as (...given: readonly unknown[]) => unknown)(...given);
  if (typeof (returned as { then?: unknown } | null | undefined)?.then !== 'function') return returned;
  // The promise's own failure is told by this error; left alone it would end the process as an unhandled rejection.
  Promise.resolve(returned).catch(() => {});
  throw new DefinitionError(where, `${what} is async; define tasks without await, and wait inside their run`);
}
