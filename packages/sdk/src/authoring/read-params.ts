import { decodeJson, encodeJson, type JsonObject, type JsonValue } from '@tradewind/protocol';
import { DefinitionError } from '../errors.ts';
import { findNearest } from './check-fields.ts';
import { findParamProblem, UNUSABLE_SCHEMA } from './find-param-problem.ts';
import { showNames, showValue } from './show-value.ts';

const MAX_NAME_LENGTH = 250;
/** The keywords of JSON Schema 2020-12; others are ignored by every validator, so a misspelt one would be, too. `x-…` are anyone's own. */
const KEYWORDS = new Set(
  (
    'type default enum const title description examples format pattern minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum ' +
    'multipleOf items minItems maxItems uniqueItems properties required additionalProperties anyOf oneOf allOf not if then else prefixItems ' +
    'contains minContains maxContains patternProperties propertyNames minProperties maxProperties dependentRequired dependentSchemas ' +
    'unevaluatedItems unevaluatedProperties contentEncoding contentMediaType contentSchema deprecated readOnly writeOnly ' +
    '$ref $defs $id $anchor $schema $comment'
  ).split(' '),
);
const TYPES: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];

/** A dag's params as data: each a JSON Schema whose default, where it has one, fits. Throws a `DefinitionError` otherwise. */
export function readParams(where: string, value: unknown): Readonly<Record<string, JsonObject>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DefinitionError(where, `params must be an object of JSON Schemas by name and not ${showValue(value)}`);
  }
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, readParam(where, name, schema)]));
}

function readParam(where: string, name: string, schema: unknown): JsonObject {
  if (name === '' || name.length > MAX_NAME_LENGTH || name === '__proto__') {
    throw new DefinitionError(where, `${showValue(name)} cannot name a param; use 1 to ${MAX_NAME_LENGTH} characters`);
  }
  const field = `params.${name}`;
  const encoded = encodeJson(schema);
  if (!encoded.ok) throw new DefinitionError(where, `${field} is not JSON: ${encoded.problem.path} ${encoded.problem.reason}`);
  const checked = decodeJson(encoded.json);
  if (!isObject(checked)) {
    throw new DefinitionError(
      where,
      `${field} must be a JSON Schema, such as { type: 'string', default: 'eu' }, and not ${showValue(schema)}`,
    );
  }
  checkKeywords(where, field, checked);
  checkType(where, field, checked['type']);
  checkDefault(where, field, checked);
  return checked;
}

function checkKeywords(where: string, field: string, schema: JsonObject): void {
  const unknown = Object.keys(schema).find((keyword) => !KEYWORDS.has(keyword) && !keyword.startsWith('x-'));
  if (unknown === undefined) return;
  const nearest = findNearest(unknown, [...KEYWORDS]);
  const advice = nearest === undefined ? `name your own keywords 'x-${unknown}'` : `did you mean '${nearest}'?`;
  throw new DefinitionError(where, `${field} has '${unknown}', which is no keyword of JSON Schema; ${advice}`);
}

function checkType(where: string, field: string, type: JsonValue | undefined): void {
  if (type === undefined) return;
  const types: readonly JsonValue[] = Array.isArray(type) ? (type as readonly JsonValue[]) : [type];
  const unknown = types.find((one) => !TYPES.includes(one));
  if (unknown !== undefined) {
    throw new DefinitionError(where, `${field}.type is ${showValue(unknown)}; use ${showNames(TYPES as string[])}`);
  }
}

function checkDefault(where: string, field: string, schema: JsonObject): void {
  if (schema['default'] !== undefined) {
    const problem = findParamProblem(schema, schema['default']);
    if (problem !== undefined) throw new DefinitionError(where, `${field}.default does not fit its own schema: ${problem}`);
    return;
  }
  // Any value shows whether the schema can be used at all; a pattern is only read for a text.
  const problem = findParamProblem(schema, '');
  if (problem?.startsWith(UNUSABLE_SCHEMA)) throw new DefinitionError(where, `${field} ${problem}`);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
