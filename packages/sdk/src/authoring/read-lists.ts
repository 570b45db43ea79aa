import { DefinitionError } from '../errors.ts';
import { MAX_NAME_LENGTH } from './check-fields.ts';
import { showValue } from './show-value.ts';

/** A list of names, each once; undefined where it is absent. Throws a `DefinitionError` for anything else. */
export function readNames(where: string, field: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw new DefinitionError(where, `${field} must be a list of names and not ${showValue(value)}`);
  const bad = value.findIndex((name: unknown) => typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH);
  if (bad === -1) return [...new Set(value as string[])];
  throw new DefinitionError(where, `${field}[${bad}] is ${showValue(value[bad])}; give names of 1 to ${MAX_NAME_LENGTH} characters`);
}
