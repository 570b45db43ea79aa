import { DefinitionError } from '../errors.ts';
import { showValue } from './show-value.ts';

const MAX_TIMEZONE_LENGTH = 100;

/** A timezone that this machine knows. Throws a `DefinitionError` for any other. */
export function readTimezone(where: string, field: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_TIMEZONE_LENGTH && isTimezone(value)) return value;
  throw new DefinitionError(where, `${field} is ${showValue(value)}; use an IANA name, such as 'Europe/Paris' or 'UTC'`);
}

function isTimezone(name: string): boolean {
  if (name === 'UTC') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
