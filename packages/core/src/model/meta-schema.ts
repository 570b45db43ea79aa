import type { JsonObject, JsonValue } from '@tradewind/protocol';

const TYPE = '^(array|boolean|integer|null|number|object|string)$';

const schema: JsonObject = { $ref: '#' };
const schemas: JsonObject = { type: 'array', minItems: 1, items: schema };
const namedSchemas: JsonObject = { type: 'object', additionalProperties: schema };
const names: JsonObject = { type: 'array', items: { type: 'string' } };

/**
 * What a JSON Schema of draft 2020-12 may look like, as a JSON Schema: the keywords that check something, in one document instead of the
 * standard's eight. Other keywords are annotations and may hold anything. References stay inside of the schema.
 */
export const META_SCHEMA: JsonObject = {
  type: ['object', 'boolean'],
  properties: {
    $ref: { type: 'string', pattern: '^#' },
    type: { type: ['string', 'array'], pattern: TYPE, minItems: 1, items: { type: 'string', pattern: TYPE } },
    enum: { type: 'array', minItems: 1 },
    ...each(['not', 'if', 'then', 'else', 'contains', 'propertyNames'], schema),
    ...each(['items', 'unevaluatedItems', 'additionalProperties', 'unevaluatedProperties'], schema),
    ...each(['allOf', 'anyOf', 'oneOf', 'prefixItems'], schemas),
    ...each(['$defs', 'properties', 'dependentSchemas'], namedSchemas),
    patternProperties: { ...namedSchemas, propertyNames: { format: 'regex' } },
    required: names,
    dependentRequired: { type: 'object', additionalProperties: names },
    ...each(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'], { type: 'number' }),
    multipleOf: { type: 'number', exclusiveMinimum: 0 },
    ...each(['minLength', 'maxLength', 'minItems', 'maxItems'], { type: 'integer', minimum: 0 }),
    ...each(['minContains', 'maxContains', 'minProperties', 'maxProperties'], { type: 'integer', minimum: 0 }),
    uniqueItems: { type: 'boolean' },
    pattern: { type: 'string', format: 'regex' },
    format: { type: 'string' },
  },
};

function each(keywords: readonly string[], value: JsonValue): JsonObject {
  return Object.fromEntries(keywords.map((keyword) => [keyword, value]));
}
