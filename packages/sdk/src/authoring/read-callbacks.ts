import { DefinitionError } from '../errors.ts';
import type { CallbackHandler } from './callbacks.ts';
import { checkFields } from './check-fields.ts';
import { showValue } from './show-value.ts';

/** Callbacks as they are kept: for each occasion that has any, the functions in their order. */
export type CheckedCallbacks<When extends string> = ReadonlyMap<When, readonly CallbackHandler[]>;

/**
 * Reads `on` of a task or a dag.
 * @throws DefinitionError for an unknown occasion, or what is no function
 */
export function readCallbacks<When extends string>(where: string, value: unknown, occasions: readonly When[]): CheckedCallbacks<When> {
  if (value === undefined) return new Map();
  const known = Object.fromEntries(occasions.map((when) => [when, true])) as Readonly<Record<When, true>>;
  const fields = checkFields(where, 'on', value, known);
  const read = occasions.map((when) => [when, readHandlers(where, `on.${when}`, fields[when])] as const);
  return new Map(read.filter(([, handlers]) => handlers.length > 0));
}

/** One callback, or a list of them. Throws a `DefinitionError` for what is no function. */
export function readHandlers(where: string, field: string, value: unknown): readonly CallbackHandler[] {
  if (value === undefined) return [];
  const handlers: readonly unknown[] = Array.isArray(value) ? value : [value];
  const bad = handlers.findIndex((handler) => typeof handler !== 'function');
  if (bad === -1) return handlers as readonly CallbackHandler[];
  const place = Array.isArray(value) ? `${field}[${bad}]` : field;
  throw new DefinitionError(where, `${place} is ${showValue(handlers[bad])}; give a function of (context), or a list of them`);
}
