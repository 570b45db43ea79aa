import type { JsonObject } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { checkParamSchemas, resolveParams } from './params.ts';

type Schemas = Readonly<Record<string, JsonObject>>;
const limit: Schemas = { limit: { type: 'integer', minimum: 1, maximum: 10, default: 5 } };
const falsyDefaults: Schemas = { a: { default: false }, b: { default: 0 }, c: { default: '' }, d: { default: null } };
const nested: Schemas = {
  rows: {
    type: 'array',
    items: { type: 'object', properties: { at: { $ref: '#/$defs/moment' } }, required: ['at'], additionalProperties: false },
    $defs: { moment: { type: 'string', format: 'date-time' } },
  },
};

describe('resolveParams', () => {
  test.each<[string, Schemas, JsonObject, JsonObject]>([
    ['takes defaults where nothing is given', limit, {}, { limit: 5 }],
    ['prefers what is given', limit, { limit: 7 }, { limit: 7 }],
    ['takes a given null over the default', { region: { type: ['string', 'null'], default: 'eu' } }, { region: null }, { region: null }],
    ['takes a default of false, 0, empty text or null', falsyDefaults, {}, { a: false, b: 0, c: '', d: null }],
    ['leaves out what is no param', limit, { limit: 1, more: true }, { limit: 1 }],
    ['has no params where there are no schemas', {}, { more: true }, {}],
    ['accepts an empty schema', { any: {} }, { any: [1, 'a'] }, { any: [1, 'a'] }],
    ['accepts 1.0 as an integer', limit, { limit: 1.0 }, { limit: 1 }],
    ['ignores names that every object inherits', { toString: { type: 'string', default: 'own' } }, {}, { toString: 'own' }],
  ])('%s', (_, schemas, given, params) => {
    expect(resolveParams(schemas, given)).toEqual({ ok: true, params });
  });

  test.each<[string, Schemas, JsonObject, string, string]>([
    ['a value above the maximum', limit, { limit: 12 }, '$.limit', '12 is more than the maximum 10'],
    ['a value below the minimum', limit, { limit: 0 }, '$.limit', '0 is less than the minimum 1'],
    ['a wrong type', limit, { limit: '7' }, '$.limit', '"7" is not of type integer'],
    ['a fraction for an integer', limit, { limit: 1.5 }, '$.limit', '1.5 is not of type integer'],
    ['several types', { a: { type: ['string', 'null'] } }, { a: 1 }, '$.a', '1 is not of type string or null'],
    ['no value and no default', { region: { type: 'string' } }, {}, '$.region', 'has no value, and no default'],
    ['a default that does not fit', { a: { type: 'string', default: 1 } }, {}, '$.a', '1 is not of type string'],
    ['enum', { a: { enum: ['eu', 'us'] } }, { a: 'mars' }, '$.a', '"mars" is none of "eu", "us"'],
    ['const', { a: { const: { b: 1 } } }, { a: {} }, '$.a', '{} is not {"b":1}'],
    ['exclusiveMinimum', { a: { exclusiveMinimum: 2 } }, { a: 2 }, '$.a', '2 is not more than 2'],
    ['exclusiveMaximum', { a: { exclusiveMaximum: 2 } }, { a: 2 }, '$.a', '2 is not less than 2'],
    ['multipleOf', { a: { multipleOf: 0.1 } }, { a: 0.25 }, '$.a', '0.25 is not a multiple of 0.1'],
    ['minLength', { a: { minLength: 3 } }, { a: 'ab' }, '$.a', '"ab" is shorter than 3 characters'],
    ['maxLength in characters, not code units', { a: { maxLength: 1 } }, { a: '🜂🜂' }, '$.a', '"🜂🜂" is longer than 1 characters'],
    ['pattern', { a: { pattern: '^x' } }, { a: 'y' }, '$.a', '"y" does not match the pattern ^x'],
    ['format', { a: { format: 'date' } }, { a: '2026-02-30' }, '$.a', '"2026-02-30" is not in the format date'],
    ['minItems', { a: { minItems: 1 } }, { a: [] }, '$.a', '[] has fewer than 1 items'],
    ['uniqueItems', { a: { uniqueItems: true } }, { a: [1, 1] }, '$.a', '[1,1] holds the same item twice'],
    ['contains', { a: { contains: { type: 'string' } } }, { a: [1, 2] }, '$.a', '[1,2] has no item that fits the schema under contains'],
    ['anyOf, once', { a: { anyOf: [{ type: 'string' }, { type: 'null' }] } }, { a: 1 }, '$.a', '1 fits none of the schemas under anyOf'],
    ['oneOf', { a: { oneOf: [{ minimum: 1 }, { minimum: 2 }] } }, { a: 3 }, '$.a', '3 does not fit exactly one of the schemas under oneOf'],
    ['not', { a: { not: { type: 'string' } } }, { a: 'x' }, '$.a', '"x" fits the schema under not'],
    ['a missing property', nested, { rows: [{ at: '2026-01-01T00:00:00Z' }, {}] }, '$.rows[1]', 'lacks the property "at"'],
    ['a value behind a $ref', nested, { rows: [{ at: 'soon' }] }, '$.rows[0].at', '"soon" is not in the format date-time'],
    [
      'a property too many',
      nested,
      { rows: [{ at: '2026-01-01T00:00:00Z', 'who/what~': 1 }] },
      '$.rows[0]["who/what~"]',
      '1 is not expected here',
    ],
    ['a key that is not a name', { 'the limit': { maximum: 1 } }, { 'the limit': 2 }, '$["the limit"]', '2 is more than the maximum 1'],
    ['a condition', { a: { if: { type: 'string' }, else: { maximum: 1 } } }, { a: 2 }, '$.a', '2 is more than the maximum 1'],
    ['allOf', { a: { allOf: [{ minimum: 1 }, { maximum: 3 }] } }, { a: 4 }, '$.a', '4 is more than the maximum 3'],
    [
      'a schema that cannot be used',
      { a: { pattern: '(' } },
      { a: 'x' },
      '$.a',
      'its schema cannot be used: Invalid regular expression: /(/u: Unterminated group',
    ],
    [
      'a schema that refers to itself for ever',
      { a: { $ref: '#' } },
      { a: 1 },
      '$.a',
      'its schema cannot be used: Maximum call stack size exceeded',
    ],
    ['NaN', limit, { limit: Number.NaN }, '$.limit', 'is NaN, which JSON would turn into null'],
  ])('refuses %s', (_, schemas, ...[given, path, message]) => {
    expect(resolveParams(schemas, given)).toEqual({ ok: false, problems: [{ path, message }] });
  });

  test('names every problem at once', () => {
    const schemas: Schemas = { ...limit, region: { type: 'string' } };
    const result = resolveParams(schemas, { limit: 'many' });
    expect(result.ok ? [] : result.problems.map(({ path }) => path)).toEqual(['$.limit', '$.region']);
  });

  test('refuses unknown keys where that is asked for, and says what there is', () => {
    expect(resolveParams(limit, { limti: 1 }, { refuseUnknown: true })).toEqual({
      ok: false,
      problems: [{ path: '$.limti', message: 'is no param of this dag; there are: limit' }],
    });
  });

  test('lets no __proto__ key through, at any depth', () => {
    for (const text of ['{"__proto__":{"admin":true}}', '{"limit":1,"more":{"__proto__":{"admin":true}}}']) {
      const result = resolveParams(limit, JSON.parse(text) as JsonObject);
      expect(result).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('prototype') as string }] });
    }
    const own = JSON.parse('{"__proto__":{"default":{"admin":true}}}') as Schemas;
    const result = resolveParams(own, {});
    expect(result.ok && Object.getPrototypeOf(result.params)).toBe(Object.prototype);
    expect((result as { params?: { admin?: boolean } }).params?.admin).toBeUndefined();
  });

  test('does not change a schema, even a frozen one', () => {
    const schema = Object.freeze({ type: 'string', default: 'a' } as const);
    expect(resolveParams({ a: schema }, {})).toEqual({ ok: true, params: { a: 'a' } });
    expect(Object.getOwnPropertyNames(schema)).toEqual(['type', 'default']);
  });

  test('shortens long values in messages', () => {
    const result = resolveParams({ a: { type: 'number' } }, { a: 'x'.repeat(5_000) });
    expect(result.ok ? '' : result.problems[0]?.message.length).toBeLessThan(200);
  });
});

describe('checkParamSchemas', () => {
  test('accepts what an author writes', () => {
    expect(
      checkParamSchemas({ ...limit, ...nested, any: {}, titled: { type: 'string', title: 'T', section: 'S', values_display: { a: 'A' } } }),
    ).toEqual([]);
  });

  test.each<[string, JsonObject, string, string]>([
    ['an unknown type', { type: 'strng' }, '$.a.type', '"strng" does not match the pattern ^(array|'],
    ['an unknown type in a list', { type: ['string', 'nul'] }, '$.a.type[1]', '"nul" does not match'],
    ['a minimum that is text', { minimum: '3' }, '$.a.minimum', '"3" is not of type number'],
    ['a length below 0', { minLength: -1 }, '$.a.minLength', '-1 is less than the minimum 0'],
    ['a pattern that is none', { pattern: '(' }, '$.a.pattern', '"(" is not in the format regex'],
    ['an empty enum', { enum: [] }, '$.a.enum', '[] has fewer than 1 items'],
    [
      'a fault further down',
      { items: { properties: { b: { maximum: [] } } } },
      '$.a.items.properties.b.maximum',
      '[] is not of type number',
    ],
    ['a reference that leads nowhere', { $ref: '#/$defs/none' }, '$.a', 'refers to "#/$defs/none", which is not in the schema'],
    ['a reference to elsewhere', { $ref: 'https://example.com/a' }, '$.a.$ref', 'does not match the pattern ^#'],
    ['a default that does not fit', { type: 'integer', default: 'x' }, '$.a.default', '"x" is not of type integer'],
  ])('refuses %s', (_, schema, path, message) => {
    const problems = checkParamSchemas({ a: schema });
    expect(problems[0]?.path).toBe(path);
    expect(problems[0]?.message).toContain(message);
  });

  test('refuses __proto__ as a name', () => {
    expect(checkParamSchemas(JSON.parse('{"__proto__":{"type":"string"}}') as Schemas)).toHaveLength(1);
  });
});
