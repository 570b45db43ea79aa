import { expect, test } from 'vitest';
import { restoreMasked } from './restore-masked.ts';

test.each([
  ['***', 'old', 'old'],
  ['new', 'old', 'new'],
  [
    { a: '***', b: 'new' },
    { a: 'old', b: 'old' },
    { a: 'old', b: 'new' },
  ],
  [
    ['***', 1],
    ['old', 2],
    ['old', 1],
  ],
  [{ a: { b: '***' } }, { a: 'other' }, { a: { b: '***' } }],
  ['***', undefined, '***'],
])('%j over %j is %j', (changed, before, after) => {
  expect(restoreMasked(changed, before)).toEqual(after);
});
