import { expect, test } from 'vitest';
import { markupOf } from './html.ts';
import { duration, fromNow, instant, length } from './format.ts';

test.each([
  [0, '0.000 s'],
  [12, '0.012 s'],
  [1_234, '1.2 s'],
  [59_400, '59 s'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h 0 min'],
  [90_000_000, '1 d 1 h'],
  [-5, '0.000 s'],
])('%i ms are written as %s', (ms, expected) => {
  expect(length(ms)).toBe(expected);
});

test('a time is told from now', () => {
  expect(fromNow(61_000, 0)).toBe('in 1 min 1 s');
  expect(fromNow(0, 61_000)).toBe('1 min 1 s ago');
});

test('an instant is in UTC, and a dash where there is none', () => {
  expect(markupOf(instant(0))).toBe('<time datetime="1970-01-01T00:00:00.000Z">1970-01-01 00:00:00 UTC</time>');
  expect(markupOf(instant(null))).toContain('–');
});

test('a duration that goes on says so', () => {
  expect(markupOf(duration(0, 1_000, 9_000))).toBe('1.0 s');
  expect(markupOf(duration(0, null, 2_000))).toBe('2.0 s so far');
  expect(markupOf(duration(null, null, 2_000))).toContain('–');
});
