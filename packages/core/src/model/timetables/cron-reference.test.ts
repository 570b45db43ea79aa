/** A sample of what `testing/sweep.ts` compares in full. */
import { describe, expect, test } from 'vitest';
import { compareCron } from './testing/compare-crons.ts';
import { listSegments, listWallTimes } from './testing/reference-cron.ts';
import { sampleCrons } from './testing/sample-crons.ts';

const DAY_MS = 86_400_000;
const FROM = Date.UTC(2026, 0);
const TO = Date.UTC(2027, 0);
const CRONS = sampleCrons(60);
/** Clocks that change by an hour, by half of one, the other way round, during Ramadan, at midnight, and never. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Africa/Cairo',
  'America/Santiago',
  'Asia/Kathmandu',
  'Antarctica/Troll',
  'Pacific/Chatham',
];

describe.each(ZONES)('in %s', (timezone) => {
  const segments = listSegments(timezone, FROM - 30 * DAY_MS, TO + 30 * DAY_MS);

  test('each of the sample crons is due exactly when the reference says', () => {
    let compared = 0;
    for (const expression of CRONS) {
      const walls = listWallTimes(expression, FROM - 2 * DAY_MS, TO + 2 * DAY_MS);
      const { count, difference } = compareCron({ expression, timezone, walls, segments, from: FROM, to: TO });
      expect(difference).toBeUndefined();
      compared += count;
    }
    expect(compared).toBeGreaterThan(CRONS.length * 50);
  });
});
