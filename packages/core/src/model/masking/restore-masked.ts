import type { JsonObject, JsonValue } from '@tradewind/protocol';
import { MASK } from './masker.ts';

/**
 * A value that somebody changed without having seen what is secret in it: where it has the mask, what was there stays. Without this, saving a form would put
 * three stars in the place of a password.
 */
export function restoreMasked(changed: JsonValue, before: JsonValue | undefined): JsonValue {
  if (changed === MASK) return before ?? changed;
  if (typeof changed !== 'object' || changed === null) return changed;
  if (Array.isArray(changed)) {
    return changed.map((item: JsonValue, index) => restoreMasked(item, Array.isArray(before) ? (before[index] as JsonValue) : undefined));
  }
  return Object.fromEntries(
    Object.entries(changed as JsonObject).map(([name, item]) => [name, restoreMasked(item, propertyOf(before, name))]),
  );
}

function propertyOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
  return (value as JsonObject)[name];
}
