import { DefinitionError } from '../errors.ts';
import { showNames, showValue } from './show-value.ts';

/** Longest texts, as the environment keeps them. */
export const MAX_NAME_LENGTH = 250;
export const MAX_DOC_LENGTH = 65_536;

/** An object of options whose keys are known and whose values are not checked yet. */
export type Unchecked<Options> = Readonly<Partial<Record<keyof Options, unknown>>>;

/**
 * Checks that a value is a plain object with no key but the known ones.
 * @param where the dag, task or asset that the message names
 * @param what what the object is, as in `the options`
 * @throws DefinitionError naming the nearest known key
 */
export function checkFields<Key extends string>(
  where: string,
  what: string,
  value: unknown,
  known: Readonly<Record<Key, true>>,
): Readonly<Partial<Record<Key, unknown>>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DefinitionError(where, `${what} must be an object and not ${showValue(value)}`);
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(known, key)) continue;
    const nearest = findNearest(key, Object.keys(known));
    const advice = nearest === undefined ? `known are ${showNames(Object.keys(known))}` : `did you mean '${nearest}'?`;
    throw new DefinitionError(where, `'${key}' is not a field of ${what}; ${advice}`);
  }
  return value as Readonly<Partial<Record<Key, unknown>>>;
}

/** A text of at most `maxLength` characters; undefined where it is absent. */
export function readText(where: string, field: string, value: unknown, maxLength: number): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new DefinitionError(where, `${field} must be a text and not ${showValue(value)}`);
  if (value.length > maxLength) {
    throw new DefinitionError(where, `${field} has ${value.length} characters; at most ${maxLength} are kept`);
  }
  return value;
}

/** A whole number within limits; `otherwise` where it is absent. */
export function readWholeNumber(
  where: string,
  field: string,
  value: unknown,
  { minimum, maximum, otherwise }: { readonly minimum: number; readonly maximum: number; readonly otherwise: number },
): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new DefinitionError(where, `${field} is ${showValue(value)}; give a whole number from ${minimum} to ${maximum}`);
}

/** A boolean; `otherwise` where it is absent. */
export function readBoolean(where: string, field: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  throw new DefinitionError(where, `${field} is ${showValue(value)}; give true or false`);
}

/** The known name that a misspelt one most likely meant: at most two letters away, or three where both start alike. */
export function findNearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }));
  const [best] = ranked.toSorted((a, b) => a.distance - b.distance);
  if (best === undefined || best.distance >= name.length) return undefined;
  const startsAlike = best.candidate.slice(0, 3) === name.slice(0, 3);
  return best.distance <= (startsAlike ? 3 : 2) ? best.candidate : undefined;
}

/** Letters to insert, delete or replace to turn one text into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [line, letter] of from.split('').entries()) {
    const next = [line + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
