import { durationMs } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { showValue } from './show-value.ts';

/**
 * A duration in milliseconds; undefined where it is absent.
 * @throws DefinitionError naming the field
 */
export function readDuration(where: string, field: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const isNamed = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  const ms = isNamed ? durationMs(value) : undefined;
  if (ms !== undefined) return ms;
  throw new DefinitionError(
    where,
    `${field} is ${showValue(value)}; name milliseconds, seconds, minutes, hours or days, such as { minutes: 5 }, at most a hundred years`,
  );
}

/** As `readDuration`, and refuses no time at all. */
export function readPositiveDuration(where: string, field: string, value: unknown): number | undefined {
  const ms = readDuration(where, field, value);
  if (ms === 0) throw new DefinitionError(where, `${field} is no time at all; leave it out for no limit`);
  return ms;
}
