import { expect, test } from 'vitest';
import { isGranted } from './is-granted.ts';

test.each([
  ['region', ['region'], [], true],
  ['region', ['Region', 'regions'], [], false],
  ['region', [], [], false],
  ['region', [], ['*'], true],
  ['region', [], ['reg*'], true],
  ['region', [], ['*ion'], true],
  ['region', [], ['r*g*n'], true],
  ['region', [], ['r*n*gion'], false],
  ['aa', [], ['aa*aa'], false],
  ['region', [], ['egion*'], false],
  ['region', ['reg*'], [], false],
])('%s with declared %j and allowed %j is granted: %s', (name, declared, allowed, granted) => {
  expect(isGranted(name, { declared, allowed })).toBe(granted);
});
