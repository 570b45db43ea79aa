import { describe, expect, test } from 'vitest';
import { DefinitionError } from '../errors.ts';
import { readParams } from './read-params.ts';

describe('readParams', () => {
  test('keeps each schema as its author wrote it', () => {
    const params = {
      region: { type: 'string', enum: ['eu', 'us'], default: 'eu' },
      customers: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
      note: { type: ['string', 'null'], default: null, 'x-widget': 'text' },
      anything: {},
    };
    expect(readParams('dag "d"', params)).toEqual(params);
  });

  test.each([
    ['a list of params', [], 'params must be an object of JSON Schemas by name'],
    [
      'a schema that is no object',
      { region: 'eu' },
      "params.region must be a JSON Schema, such as { type: 'string', default: 'eu' }, and not 'eu'",
    ],
    ['a schema that is not JSON', { region: { default: new Date(0) } }, 'params.region is not JSON: $.default is an instance of Date'],
    ['a wrong type', { region: { type: 'text' } }, "params.region.type is 'text'; use 'string', 'number'"],
    ['a wrong type in a list', { region: { type: ['string', 'nil'] } }, "params.region.type is 'nil'"],
    [
      'a misspelt keyword',
      { region: { type: 'string', defualt: 'eu' } },
      "'defualt', which is no keyword of JSON Schema; did you mean 'default'?",
    ],
    ['a keyword of one’s own', { region: { widget: 'text' } }, "name your own keywords 'x-widget'"],
    [
      'a default outside its enum',
      { region: { enum: ['eu', 'us'], default: 'asia' } },
      'params.region.default does not fit its own schema: Instance does not match any of',
    ],
    ['a default of the wrong type', { limit: { type: 'integer', default: 1.5 } }, 'params.limit.default does not fit its own schema'],
    ['a default of the wrong format', { since: { type: 'string', format: 'date', default: '2026-13-01' } }, 'does not match format "date"'],
    [
      'a default with a wrong item, naming it',
      { ids: { items: { type: 'integer' }, default: [1, 'a'] } },
      'own schema: 1: Instance type "string" is invalid',
    ],
    [
      'a pattern that is none',
      { code: { type: 'string', pattern: '(' } },
      'params.code has a schema that cannot be used: Invalid regular expression',
    ],
    ['a name that replaces the prototype', JSON.parse('{"__proto__":{}}'), "'__proto__' cannot name a param"],
  ])('refuses %s', (_, params: unknown, message) => {
    expect(() => readParams('dag "d"', params)).toThrow(DefinitionError);
    expect(() => readParams('dag "d"', params)).toThrow(message);
  });
});
