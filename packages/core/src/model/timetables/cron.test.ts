import { describe, expect, test } from 'vitest';
import { createCronTicks, isTimezone } from './cron.ts';
import { parseCron, type Cron } from './parse-cron.ts';

function read(expression: string): Cron {
  const parsed = parseCron(expression);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.cron;
}

const nextAfter = (cron: Cron, timezone: string, at: number): number | undefined => createCronTicks(cron, timezone).nextAfter(at);
const previousAtOrBefore = (cron: Cron, timezone: string, at: number): number | undefined =>
  createCronTicks(cron, timezone).previousAtOrBefore(at);
const ms = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const local = (instantMs: number, timezone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(instantMs)
    .toZonedDateTimeISO(timezone)
    .toString({ timeZoneName: 'never', smallestUnit: 'minute' });

function ticks(expression: string, timezone: string, { after, count }: { readonly after: string; readonly count: number }): string[] {
  const found: string[] = [];
  for (let at = ms(after); found.length < count;) {
    const next = nextAfter(read(expression), timezone, at);
    if (next === undefined) break;
    found.push(local(next, timezone));
    at = next;
  }
  return found;
}

describe('nextAfter', () => {
  test.each<[string, string, string, string[]]>([
    ['* * * * *', 'UTC', '2026-11-21T10:00:30Z', ['2026-11-21T10:01+00:00']],
    ['* * * * *', 'UTC', '2026-11-21T10:01:00Z', ['2026-11-21T10:02+00:00']],
    ['0 0 * * *', 'UTC', '2026-12-31T00:00:00Z', ['2027-01-01T00:00+00:00']],
    ['0 0 * * *', 'Asia/Kathmandu', '2026-11-21T00:00:00Z', ['2026-11-22T00:00+05:45', '2026-11-23T00:00+05:45']],
    ['0 0 * * *', '+05:45', '2026-11-21T00:00:00Z', ['2026-11-22T00:00+05:45']],
    ['0 0 13 * 5', 'UTC', '2026-11-01T00:00:00Z', ['2026-11-06T00:00+00:00', '2026-11-13T00:00+00:00', '2026-11-20T00:00+00:00']],
    ['0 0 13 * 5', 'UTC', '2026-12-11T00:00:00Z', ['2026-12-13T00:00+00:00', '2026-12-18T00:00+00:00']],
    ['0 12 29 2 *', 'UTC', '2026-11-21T00:00:00Z', ['2028-02-29T12:00+00:00', '2032-02-29T12:00+00:00']],
    ['0 0 31 * *', 'UTC', '2026-11-21T00:00:00Z', ['2026-12-31T00:00+00:00', '2027-01-31T00:00+00:00', '2027-03-31T00:00+00:00']],
    ['@quarterly', 'UTC', '2026-11-21T00:00:00Z', ['2027-01-01T00:00+00:00', '2027-04-01T00:00+00:00']],
    ['0 0 * * 7', 'UTC', '2026-11-21T00:00:00Z', ['2026-11-22T00:00+00:00', '2026-11-29T00:00+00:00']],
    ['59 23 31 12 *', 'UTC', '2026-11-21T00:00:00Z', ['2026-12-31T23:59+00:00', '2027-12-31T23:59+00:00']],
    ['0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z', ['2104-02-29T00:00+00:00']],
    ['0 0 1 1 *', 'UTC', '1969-06-01T00:00:00Z', ['1970-01-01T00:00+00:00']],
  ])('%s in %s after %s', (expression, timezone, after, expected) => {
    expect(ticks(expression, timezone, { after, count: expected.length })).toEqual(expected);
  });

  test.each<[string, string, string, string[]]>([
    // New York skips 02:00 to 03:00 on 8 March 2026.
    ['30 2 * * *', 'America/New_York', '2026-03-07T12:00:00Z', ['2026-03-08T03:00-04:00', '2026-03-09T02:30-04:00']],
    [
      '0,30 2,3 * * *',
      'America/New_York',
      '2026-03-08T05:00:00Z',
      ['2026-03-08T03:00-04:00', '2026-03-08T03:30-04:00', '2026-03-09T02:00-04:00'],
    ],
    ['0 3 * * *', 'America/New_York', '2026-03-08T05:00:00Z', ['2026-03-08T03:00-04:00', '2026-03-09T03:00-04:00']],
    [
      '*/30 * * * *',
      'America/New_York',
      '2026-03-08T06:29:00Z',
      ['2026-03-08T01:30-05:00', '2026-03-08T03:00-04:00', '2026-03-08T03:30-04:00'],
    ],
    [
      '0 * * * *',
      'America/New_York',
      '2026-03-08T05:59:00Z',
      ['2026-03-08T01:00-05:00', '2026-03-08T03:00-04:00', '2026-03-08T04:00-04:00'],
    ],
    [
      '0 */2 * * *',
      'America/New_York',
      '2026-03-08T04:59:00Z',
      ['2026-03-08T00:00-05:00', '2026-03-08T03:00-04:00', '2026-03-08T04:00-04:00'],
    ],
    // It repeats 01:00 to 02:00 on 1 November 2026.
    ['30 1 * * *', 'America/New_York', '2026-11-01T00:00:00Z', ['2026-11-01T01:30-04:00', '2026-11-02T01:30-05:00']],
    ['30 1 * * *', 'America/New_York', '2026-11-01T05:45:00Z', ['2026-11-02T01:30-05:00']],
    ['0 1,2 * * *', 'America/New_York', '2026-11-01T00:00:00Z', ['2026-11-01T01:00-04:00', '2026-11-01T02:00-05:00']],
    [
      '*/30 * * * *',
      'America/New_York',
      '2026-11-01T05:15:00Z',
      ['2026-11-01T01:30-04:00', '2026-11-01T01:00-05:00', '2026-11-01T01:30-05:00', '2026-11-01T02:00-05:00'],
    ],
    // Berlin skips 02:00 to 03:00 on 29 March 2026 and repeats it on 25 October.
    ['30 2 * * sun', 'Europe/Berlin', '2026-03-28T12:00:00Z', ['2026-03-29T03:00+02:00', '2026-04-05T02:30+02:00']],
    ['30 2 25 10 *', 'Europe/Berlin', '2026-06-01T00:00:00Z', ['2026-10-25T02:30+02:00', '2027-10-25T02:30+02:00']],
    // Lord Howe Island moves by half an hour: it skips 02:00 to 02:30 on 4 October 2026 and repeats 01:30 to 02:00 on 5 April.
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', ['2026-10-04T02:30+11:00', '2026-10-05T02:15+11:00']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', ['2026-04-05T01:45+11:00', '2026-04-06T01:45+10:30']],
    [
      '*/15 * * * *',
      'Australia/Lord_Howe',
      '2026-10-03T15:14:00Z',
      ['2026-10-04T01:45+10:30', '2026-10-04T02:30+11:00', '2026-10-04T02:45+11:00'],
    ],
    [
      '*/15 * * * *',
      'Australia/Lord_Howe',
      '2026-04-04T14:44:00Z',
      ['2026-04-05T01:45+11:00', '2026-04-05T01:30+10:30', '2026-04-05T01:45+10:30', '2026-04-05T02:00+10:30'],
    ],
    // Apia crossed the date line: 30 December 2011 does not exist.
    ['0 9 * * *', 'Pacific/Apia', '2011-12-29T12:00:00Z', ['2011-12-29T09:00-10:00', '2011-12-31T00:00+14:00', '2011-12-31T09:00+14:00']],
    ['0 9 30 12 *', 'Pacific/Apia', '2011-12-01T00:00:00Z', ['2011-12-31T00:00+14:00', '2012-12-30T09:00+14:00']],
    ['0 9 * * fri', 'Pacific/Apia', '2011-12-24T00:00:00Z', ['2011-12-31T00:00+14:00', '2012-01-06T09:00+14:00']],
    // Midnight itself is skipped in Beirut on 29 March 2026.
    ['0 0 * * *', 'Asia/Beirut', '2026-03-28T12:00:00Z', ['2026-03-29T01:00+03:00', '2026-03-30T00:00+03:00']],
  ])('follows the clock: %s in %s after %s', (expression, timezone, after, expected) => {
    expect(ticks(expression, timezone, { after, count: expected.length })).toEqual(expected);
  });

  test('an hourly cron runs 23 times on the day that skips an hour and 25 times on the day that repeats one', () => {
    const count = (from: string, to: string): number =>
      ticks('0 * * * *', 'Europe/Berlin', { after: from, count: 30 }).filter((tick) => ms(tick) <= ms(to)).length;
    expect(count('2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z')).toBe(23);
    expect(count('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z')).toBe(25);
  });

  test('gives up on a date that never comes', () => {
    expect(nextAfter(read('0 0 31 2 *'), 'Europe/Berlin', ms('2026-01-01T00:00:00Z'))).toBeUndefined();
    expect(previousAtOrBefore(read('0 0 30 feb *'), 'UTC', ms('2026-01-01T00:00:00Z'))).toBeUndefined();
  });

  test('a fraction of a millisecond does not hide a tick', () => {
    const tick = ms('2026-11-21T10:00:00Z');
    expect(nextAfter(read('0 * * * *'), 'UTC', tick - 0.5)).toBe(tick);
    expect(previousAtOrBefore(read('0 * * * *'), 'UTC', tick + 0.5)).toBe(tick);
  });
});

describe('a cron of six fields', () => {
  const seconds = (expression: string, timezone: string, after: string): string[] => {
    const { nextAfter: next } = createCronTicks(read(expression), timezone);
    const found: string[] = [];
    for (let at = next(ms(after)); at !== undefined && found.length < 4; at = next(at)) found.push(new Date(at).toISOString());
    return found;
  };

  test.each<[string, string, string, string[]]>([
    [
      '*/20 * * * * *',
      'UTC',
      '2026-11-21T23:59:20.500Z',
      ['2026-11-21T23:59:40.000Z', '2026-11-22T00:00:00.000Z', '2026-11-22T00:00:20.000Z', '2026-11-22T00:00:40.000Z'],
    ],
    [
      '15,45 59 23 * * *',
      'UTC',
      '2026-11-21T23:59:15Z',
      ['2026-11-21T23:59:45.000Z', '2026-11-22T23:59:15.000Z', '2026-11-22T23:59:45.000Z', '2026-11-23T23:59:15.000Z'],
    ],
    // Berlin skips 02:00 to 03:00 on 29 March 2026: both times are lost, and the dag runs once after the gap.
    [
      '0,30 30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z', '2026-03-30T00:30:30.000Z', '2026-03-31T00:30:00.000Z'],
    ],
  ])('%s in %s after %s', (expression, timezone, after, expected) => {
    expect(seconds(expression, timezone, after)).toEqual(expected);
  });

  test('the search back finds what the search forth found', () => {
    const { nextAfter: next, previousAtOrBefore: previous } = createCronTicks(read('7-50/11 */13 3 * * *'), 'Europe/Berlin');
    let last = ms('2026-03-27T00:00:00Z');
    for (let index = 0; index < 500; index += 1) {
      const at = next(last) ?? Number.NaN;
      expect(previous(at)).toBe(at);
      if (index > 0) expect(previous(at - 1)).toBe(last);
      last = at;
    }
  });
});

test('the search ends at the year 9999 and before the year 1000', () => {
  const { nextAfter: next, previousAtOrBefore: previous } = createCronTicks(read('0 0 29 2 *'), 'Europe/Berlin');
  expect(next(ms('+010000-01-01T00:00:00Z'))).toBeUndefined();
  expect(next(ms('9999-06-01T00:00:00Z'))).toBeUndefined();
  expect(previous(ms('0999-01-01T00:00:00Z'))).toBeUndefined();
  expect(previous(ms('1001-01-01T00:00:00Z'))).toBeUndefined();
});

describe('previousAtOrBefore', () => {
  test.each([
    ['0 0 * * *', 'UTC', '2026-11-21T10:00:00Z', '2026-11-21T00:00+00:00'],
    ['0 0 * * *', 'UTC', '2026-11-21T00:00:00Z', '2026-11-21T00:00+00:00'],
    ['0 0 1 1 *', 'UTC', '2026-11-21T00:00:00Z', '2026-01-01T00:00+00:00'],
    ['30 2 * * *', 'America/New_York', '2026-03-08T08:00:00Z', '2026-03-08T03:00-04:00'],
    ['30 1 * * *', 'America/New_York', '2026-11-01T06:45:00Z', '2026-11-01T01:30-04:00'],
    ['30 * * * *', 'America/New_York', '2026-11-01T06:15:00Z', '2026-11-01T01:30-04:00'],
    ['0 9 30 12 *', 'Pacific/Apia', '2012-06-01T00:00:00Z', '2011-12-31T00:00+14:00'],
    ['0 12 29 2 *', 'UTC', '2026-01-01T00:00:00Z', '2024-02-29T12:00+00:00'],
  ])('%s in %s at %s', (expression, timezone, at, expected) => {
    expect(local(previousAtOrBefore(read(expression), timezone, ms(at)) ?? 0, timezone)).toBe(expected);
  });
});

test('isTimezone knows names of the database and offsets, and nothing else', () => {
  expect(['UTC', 'Europe/Berlin', 'Asia/Kathmandu', '+05:45', 'utc'].filter(isTimezone)).toHaveLength(5);
  expect(['', 'Mars/Olympus', 'Europe', '+25:00', '../etc/passwd'].filter(isTimezone)).toEqual([]);
});
