import { describe, expect, test } from 'vitest';
import { decodeJson, encodeJson, MAX_VALUE_BYTES } from './json.ts';

const shared = [1];

class Order {
  readonly id = 1;
}

const cycle: { self?: unknown } = {};
cycle.self = cycle;
let deep: unknown = 1;
for (let level = 0; level < 100_000; level += 1) deep = [deep];

describe('encodeJson', () => {
  test.each([
    ['null', null, 'null'],
    ['undefined at the top, which is no value', undefined, 'null'],
    ['text with NUL and a lone surrogate', 'a\u0000\uD800', String.raw`"a\u0000\ud800"`],
    ['nested plain data', { rows: [1, { ok: true }] }, '{"rows":[1,{"ok":true}]}'],
    ['an undefined property, left out', { a: undefined, b: 1 }, '{"b":1}'],
    ['the same object twice, which is no cycle', [shared, shared], '[[1],[1]]'],
  ])('passes %s', (_, value, json) => {
    expect(encodeJson(value)).toEqual({ ok: true, json });
  });

  test.each([
    ['NaN', { rows: [{ price: Number.NaN }] }, '$.rows[0].price'],
    ['Infinity', [Number.POSITIVE_INFINITY], '$[0]'],
    ['-0', -0, '$'],
    ['undefined in a list', [undefined], '$[0]'],
    ['a function', { run: () => 1 }, '$.run'],
    ['a symbol', Symbol('x'), '$'],
    ['a BigInt', { id: 1n }, '$.id'],
    ['a Date', { at: new Date(0) }, '$.at'],
    ['a Map', new Map(), '$'],
    ['a class instance', { order: new Order() }, '$.order'],
    ['a cycle', cycle, '$.self'],
    ['depth', deep, `$${'[0]'.repeat(200)}`],
    ['a __proto__ key', JSON.parse('{"__proto__":{"admin":true}}'), '$.__proto__'],
    ['a key that is not a name', { 'a b': 1n }, '$["a b"]'],
    ['size', 'x'.repeat(MAX_VALUE_BYTES), '$'],
  ])('refuses %s with its path', (_, value, path) => {
    expect(encodeJson(value)).toMatchObject({ ok: false, problem: { path } });
  });
});

test('decodeJson drops __proto__ keys', () => {
  const value = decodeJson('{"a":1,"__proto__":{"admin":true}}');
  expect(value).toEqual({ a: 1 });
  expect(Object.assign({}, value)).not.toHaveProperty('admin');
});
