import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ERROR_CODES, TradewindError } from '../platform/errors.ts';
import { exitCodeOf } from './exit-codes.ts';

test('each error code ends a command as the reference says', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../../docs/reference/errors.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `(\w+)` \| \d+ \| (\d+) \|/gm)].map(([, code = '', exit]) => [code, Number(exit)]);
  expect(documented).toEqual(ERROR_CODES.map((code) => [code, exitCodeOf(new TradewindError(code, ''))]));
});

test('an error that is none of ours is a failure', () => {
  expect(exitCodeOf(new TypeError('x'))).toBe(1);
});
