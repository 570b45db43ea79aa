import { inspect } from 'node:util';

const MAX_LENGTH = 80;

/** A value as a message shows it: one line, not long. */
export function showValue(value: unknown): string {
  const text = inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 5, maxStringLength: MAX_LENGTH });
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1)}…`;
}

/** Names as a message lists them: `'a', 'b'`. */
export function showNames(names: Iterable<string>): string {
  return Array.from(names, (name) => `'${name}'`).join(', ');
}
