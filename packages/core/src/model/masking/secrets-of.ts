import { decodeJson, type JsonValue } from '@tradewind/protocol';
import type { Connection } from '../connections/connection.ts';
import type { IsSensitiveName } from './sensitive-names.ts';

/**
 * What must not be shown of a variable: all of it where its key says so, else what its JSON has under names that say so (Airflow's `mask_secret(value, key)`).
 */
export function secretsOfVariable(key: string, text: string, isSensitive: IsSensitiveName): readonly string[] {
  const isSecret = isSensitive(key);
  return [...(isSecret ? [text] : []), ...leavesUnderNames(parse(text), isSecret, isSensitive)];
}

/** What must not be shown of a connection: its password, and what its extra has under names that say so. */
export function secretsOfConnection({ password, extra }: Connection, isSensitive: IsSensitiveName): readonly string[] {
  return [...(password === null ? [] : [password]), ...leavesUnderNames(extra, false, isSensitive)];
}

function leavesUnderNames(value: JsonValue | undefined, isSecret: boolean, isSensitive: IsSensitiveName): readonly string[] {
  if (typeof value === 'string' || typeof value === 'number') return isSecret ? [String(value), ...nestedLeaves(value, isSensitive)] : [];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item: JsonValue) => leavesUnderNames(item, isSecret, isSensitive));
  return Object.entries(value).flatMap(([name, item]) => leavesUnderNames(item, isSecret || isSensitive(name), isSensitive));
}

/** A key file is often kept as JSON in a text: what it holds is secret by itself, too. */
function nestedLeaves(value: string | number, isSensitive: IsSensitiveName): readonly string[] {
  const nested = typeof value === 'string' && /^\s*[[{]/.test(value) ? parse(value) : undefined;
  return typeof nested === 'object' && nested !== null ? leavesUnderNames(nested, false, isSensitive) : [];
}

function parse(text: string): JsonValue | undefined {
  try {
    return decodeJson(text);
  } catch {
    return undefined;
  }
}
