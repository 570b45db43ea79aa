import type { JsonObject, JsonValue } from '@tradewind/protocol';
import { dereference, Validator, type OutputUnit, type Schema } from '@cfworker/json-schema';

/** Why a value does not fit, and where in it the reason sits (`$.rows[3].at`). */
export interface SchemaProblem {
  readonly path: string;
  readonly message: string;
}

/** Longest piece of a value that a message shows. */
const MAX_SHOWN_LENGTH = 80;

/** Keywords that only pass on what a schema inside of them found. */
const PASSING_ON = new Set([
  '$ref',
  '$recursiveRef',
  'additionalItems',
  'additionalProperties',
  'allOf',
  'dependentSchemas',
  'if',
  'items',
  'patternProperties',
  'prefixItems',
  'properties',
  'unevaluatedItems',
  'unevaluatedProperties',
]);

/** Keywords whose own message is clearer than those of the alternatives that they tried. */
const SPEAKING_FOR_ALL = new Set(['anyOf', 'contains', 'oneOf', 'propertyNames']);

const shown = (value: JsonValue | undefined): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text;
};
const listed = (value: JsonValue, separator: string): string => (Array.isArray(value) ? value.map(shown).join(separator) : shown(value));
const named = (value: JsonValue): string => (Array.isArray(value) ? value.map(named).join(' or ') : plainText(value));
const plainText = (value: JsonValue): string => (typeof value === 'string' ? value : shown(value));

const MESSAGES: Readonly<Record<string, (value: JsonValue, expected: JsonValue) => string>> = {
  type: (value, expected) => `${shown(value)} is not of type ${named(expected)}`,
  const: (value, expected) => `${shown(value)} is not ${shown(expected)}`,
  enum: (value, expected) => `${shown(value)} is none of ${listed(expected, ', ')}`,
  minimum: (value, expected) => `${shown(value)} is less than the minimum ${shown(expected)}`,
  maximum: (value, expected) => `${shown(value)} is more than the maximum ${shown(expected)}`,
  exclusiveMinimum: (value, expected) => `${shown(value)} is not more than ${shown(expected)}`,
  exclusiveMaximum: (value, expected) => `${shown(value)} is not less than ${shown(expected)}`,
  multipleOf: (value, expected) => `${shown(value)} is not a multiple of ${shown(expected)}`,
  minLength: (value, expected) => `${shown(value)} is shorter than ${shown(expected)} characters`,
  maxLength: (value, expected) => `${shown(value)} is longer than ${shown(expected)} characters`,
  pattern: (value, expected) => `${shown(value)} does not match the pattern ${named(expected)}`,
  format: (value, expected) => `${shown(value)} is not in the format ${named(expected)}`,
  minItems: (value, expected) => `${shown(value)} has fewer than ${shown(expected)} items`,
  maxItems: (value, expected) => `${shown(value)} has more than ${shown(expected)} items`,
  uniqueItems: (value) => `${shown(value)} holds the same item twice`,
  minProperties: (value, expected) => `${shown(value)} has fewer than ${shown(expected)} properties`,
  maxProperties: (value, expected) => `${shown(value)} has more than ${shown(expected)} properties`,
  anyOf: (value) => `${shown(value)} fits none of the schemas under anyOf`,
  oneOf: (value) => `${shown(value)} does not fit exactly one of the schemas under oneOf`,
  not: (value) => `${shown(value)} fits the schema under not`,
  contains: (value) => `${shown(value)} has no item that fits the schema under contains`,
  false: (value) => `${shown(value)} is not expected here`,
};

/**
 * Checks a value by a JSON Schema (draft 2020-12). The schema is interpreted; nothing is compiled.
 *
 * @param path what the value is called in the messages
 * @returns every problem; one that names the schema where the schema itself cannot be used. Never throws.
 */
export function findSchemaProblems(schema: JsonObject, value: JsonValue, path: string): readonly SchemaProblem[] {
  try {
    // The interpreter writes into the schema.
    const { errors } = new Validator(structuredClone(schema), '2020-12', false).validate(value);
    return errors.filter((unit) => isReported(unit, errors)).map((unit) => describeProblem(unit, { schema, value, path }));
  } catch (cause) {
    return [unusable(path, cause)];
  }
}

/**
 * Checks that every `$ref` in a schema leads to a schema inside of it; nothing is ever fetched.
 * @returns a problem for each that leads nowhere. Never throws.
 */
export function findDanglingReferences(schema: JsonObject, path: string): readonly SchemaProblem[] {
  try {
    const parts: Record<string, Schema | boolean> = dereference(structuredClone(schema));
    return Object.values(parts)
      .filter((part) => typeof part === 'object')
      .filter(({ $ref, __absolute_ref__: target }) => $ref !== undefined && parts[target ?? $ref] === undefined)
      .map(({ $ref }) => ({ path, message: `refers to ${shown($ref)}, which is not in the schema` }));
  } catch (cause) {
    return [unusable(path, cause)];
  }
}

/** The path of a property, in the spelling of JavaScript. */
export function propertyPath(path: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

function unusable(path: string, cause: unknown): SchemaProblem {
  const [reason] = (cause as Error).message.split('\n', 1);
  return { path, message: `its schema cannot be used: ${reason}` };
}

function isReported(unit: OutputUnit, all: readonly OutputUnit[]): boolean {
  if (PASSING_ON.has(unit.keyword)) return false;
  return !all.some((other) => SPEAKING_FOR_ALL.has(other.keyword) && isInside(unit, other));
}

function isInside(unit: OutputUnit, other: OutputUnit): boolean {
  return (
    unit.keywordLocation.startsWith(`${other.keywordLocation}/`) &&
    (unit.instanceLocation === other.instanceLocation || unit.instanceLocation.startsWith(`${other.instanceLocation}/`))
  );
}

function describeProblem(
  unit: OutputUnit,
  { schema, value, path }: { readonly schema: JsonObject; readonly value: JsonValue; readonly path: string },
): SchemaProblem {
  const place = findPlace(value, unit.instanceLocation, path);
  const describe = Object.hasOwn(MESSAGES, unit.keyword) ? MESSAGES[unit.keyword] : undefined;
  return { path: place.path, message: describe?.(place.value, findKeyword(schema, unit.keywordLocation)) ?? describeOther(unit) };
}

/** For keywords of which the interpreter knows more than their place. */
function describeOther({ keyword, error }: OutputUnit): string {
  if (keyword === 'required') return error.replace(/^Instance does not have required property (.*)\.$/s, 'lacks the property $1');
  return error.replace(/\.$/, '');
}

/** Follows a pointer (RFC 6901, as a URI fragment) into a value and says in our spelling how it got there. */
function findPlace(root: JsonValue, pointer: string, path: string): { readonly value: JsonValue; readonly path: string } {
  let value = root;
  let place = path;
  for (const token of tokensOf(pointer)) {
    place = Array.isArray(value) ? `${place}[${token}]` : propertyPath(place, token);
    value = childOf(value, token);
  }
  return { value, path: place };
}

/** Follows a pointer into a schema, jumping where it leads through a `$ref`. */
function findKeyword(schema: JsonObject, pointer: string): JsonValue {
  let found: JsonValue = schema;
  for (const token of tokensOf(pointer)) {
    found = childOf(found, token);
    if (token === '$ref' && typeof found === 'string') found = findPlace(schema, found, '').value;
  }
  return found;
}

function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~'));
}

function childOf(parent: JsonValue, token: string): JsonValue {
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, token)) return null;
  return (parent as JsonObject)[token] ?? null;
}
