import { describe, expect, test } from 'vitest';
import { durationSeconds, parseInstant, writeInstant, writeInstantOrNull } from './instants.ts';

describe('parseInstant', () => {
  test.each([
    ['2026-11-21T12:00:00Z', Date.UTC(2026, 10, 21, 12)],
    ['2026-11-21T12:00:00+00:00', Date.UTC(2026, 10, 21, 12)],
    ['2026-11-21T13:30:00+0130', Date.UTC(2026, 10, 21, 12)],
    ['2026-11-21 12:00', Date.UTC(2026, 10, 21, 12)],
    ['2026-11-21t12:00:00.25z', Date.UTC(2026, 10, 21, 12, 0, 0, 250)],
    ['2026-11-21T12:00:00.123456789Z', Date.UTC(2026, 10, 21, 12, 0, 0, 123)],
    ['2026-11-21', Date.UTC(2026, 10, 21)],
    ['2026-02-28', Date.UTC(2026, 1, 28)],
  ])('reads %s', (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });

  test.each(['', 'yesterday', '2026-02-30', '2026-11-21T25:00:00Z', '2026-11-21T12:00:00 00:00', '21.11.2026', '2026', '1'])(
    'does not read %s',
    (text) => {
      expect(parseInstant(text)).toBeUndefined();
    },
  );
});

describe('writeInstant', () => {
  test.each([
    [Date.UTC(2026, 10, 21, 12), '2026-11-21T12:00:00Z'],
    [Date.UTC(2026, 10, 21, 12, 0, 0, 120), '2026-11-21T12:00:00.120000Z'],
    [Date.UTC(2026, 10, 21, 12, 0, 0, 7), '2026-11-21T12:00:00.007000Z'],
    [0, '1970-01-01T00:00:00Z'],
  ])('writes %i as Airflow does', (ms, expected) => {
    expect(writeInstant(ms)).toBe(expected);
    expect(parseInstant(expected)).toBe(ms);
  });

  test('writes a time that is missing as null', () => {
    expect(writeInstantOrNull(null)).toBeNull();
  });
});

test('a duration is in seconds, and null until there is one', () => {
  expect(durationSeconds(1_000, 2_500)).toBe(1.5);
  expect(durationSeconds(1_000, null)).toBeNull();
  expect(durationSeconds(null, null)).toBeNull();
});
