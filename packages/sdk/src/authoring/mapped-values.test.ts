import { expect, test } from 'vitest';
import { createMappedValues } from './mapped-values.ts';

test('mapped values are read like a list, and changing what was read changes nothing', () => {
  const values = createMappedValues([1, 2, 3]);
  expect(values.length).toBe(3);
  expect([values.at(0), values.at(-1), values.at(3)]).toEqual([1, 3, undefined]);
  expect([...values]).toEqual([1, 2, 3]);
  expect(values.map((value, index) => value * index)).toEqual([0, 2, 6]);
  expect(values.filter((value) => value > 1)).toEqual([2, 3]);
  expect(values.reduce((sum, value) => sum + value, 0)).toBe(6);
  expect(values.slice(1, -1)).toEqual([2]);
  values.toArray().push(4);
  expect(values.toArray()).toEqual([1, 2, 3]);
  expect(JSON.stringify({ values })).toBe('{"values":[1,2,3]}');
});
