import { describe, expect, test } from 'vitest';
import { formatDuration, formatShortInstant } from './format-values.ts';

describe('formatDuration', () => {
  test.each([
    [0, '0 ms'],
    [12.4, '12 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [9_949, '9.9 s'],
    [9_960, '10 s'],
    [75_000, '75 s'],
    [5_940_000, '99 min'],
    [18_720_000, '5.2 h'],
    [172_800_000, '2 d'],
  ])('shows %d ms as %s, in at most six characters', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
    expect(text.length).toBeLessThanOrEqual(6);
  });
});

test('an instant of the API is shown without year and seconds, and none as nothing', () => {
  expect(formatShortInstant('2026-11-21T12:34:56.789000Z')).toBe('11-21 12:34');
  expect(formatShortInstant(null)).toBe('');
});
