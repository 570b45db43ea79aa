/** A value that JSON can carry without change. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
/** An object that JSON can carry without change. */
export type JsonObject = { readonly [key: string]: JsonValue };

/** The largest value that is stored in a row, in bytes of its JSON text (Airflow warns from 48 KiB; PostgreSQL and the heap decide here). */
export const MAX_VALUE_BYTES = 1_048_576;
/** The largest value that a task may return or push: larger ones than `MAX_VALUE_BYTES` lie elsewhere, and half a message must suffice for it. */
export const MAX_RESULT_BYTES = 8 * 1_048_576;
const MAX_DEPTH = 200;
const FORBIDDEN_KEYS = new Set(['__proto__']);

/** Why a value cannot leave a task, and where inside it the reason sits (`$.rows[3].at`). */
export interface EncodingProblem {
  readonly path: string;
  readonly reason: string;
}

/** The JSON text of a value, or the problem that keeps it from being one. */
export type EncodeResult = { readonly ok: true; readonly json: string } | { readonly ok: false; readonly problem: EncodingProblem };

/**
 * Turns a task's value into JSON text, refusing whatever JSON would change in silence: NaN, Infinity, -0, undefined inside a list, functions,
 * symbols, BigInt, Date, Map, Set, class instances, cycles and `__proto__` keys. A top-level undefined means "no value" and is null.
 * An undefined property is left out, as everywhere in JSON.
 * @param mostBytes of JSON text
 */
export function encodeJson(value: unknown, mostBytes: number = MAX_VALUE_BYTES): EncodeResult {
  const problem = findProblem(value ?? null, '$', new Set());
  if (problem !== undefined) return { ok: false, problem };
  const json = JSON.stringify(value ?? null);
  const bytes = json.length > mostBytes / 4 ? new TextEncoder().encode(json).length : json.length;
  if (bytes > mostBytes) {
    return { ok: false, problem: { path: '$', reason: `is ${bytes} bytes of JSON; at most ${mostBytes} are kept` } };
  }
  return { ok: true, json };
}

/** Reads JSON text that came from outside without letting a `__proto__` key reach an object. */
export function decodeJson(json: string): JsonValue {
  return JSON.parse(json, (key, value: unknown) => (FORBIDDEN_KEYS.has(key) ? undefined : value)) as JsonValue;
}

function findProblem(value: unknown, path: string, ancestors: Set<object>): EncodingProblem | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return findNumberProblem(value, path);
    case 'object':
      return value === null ? undefined : findObjectProblem(value, path, ancestors);
    case 'bigint':
      return { path, reason: 'is a BigInt; pass it as a string' };
    case 'undefined':
      return { path, reason: 'is undefined; use null' };
    case 'function':
    case 'symbol':
      return { path, reason: `is a ${typeof value}; only data can be passed on` };
  }
}

function findNumberProblem(value: number, path: string): EncodingProblem | undefined {
  if (!Number.isFinite(value)) return { path, reason: `is ${value}, which JSON would turn into null` };
  if (Object.is(value, -0)) return { path, reason: 'is -0, which JSON would turn into 0' };
  return undefined;
}

function findObjectProblem(value: object, path: string, ancestors: Set<object>): EncodingProblem | undefined {
  if (ancestors.has(value)) return { path, reason: 'refers back to an object that contains it' };
  if (ancestors.size >= MAX_DEPTH) return { path, reason: `is nested more than ${MAX_DEPTH} levels deep` };
  ancestors.add(value);
  const problem = Array.isArray(value) ? findListProblem(value, path, ancestors) : findRecordProblem(value, path, ancestors);
  ancestors.delete(value);
  return problem;
}

function findListProblem(list: readonly unknown[], path: string, ancestors: Set<object>): EncodingProblem | undefined {
  for (const [index, item] of list.entries()) {
    const problem = findProblem(item, `${path}[${index}]`, ancestors);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function findRecordProblem(record: object, path: string, ancestors: Set<object>): EncodingProblem | undefined {
  const prototype: unknown = Object.getPrototypeOf(record);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = (record.constructor as { name?: string } | undefined)?.name ?? 'a class';
    return { path, reason: `is an instance of ${name}; pass plain objects, lists, strings, numbers, booleans or null` };
  }
  for (const [key, item] of Object.entries(record)) {
    const where = /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
    if (FORBIDDEN_KEYS.has(key)) return { path: where, reason: 'is a key that could replace the prototype of the object that receives it' };
    if (item === undefined) continue;
    const problem = findProblem(item, where, ancestors);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
