import type { SerializedSchedule, SerializedTimetable } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { decideManualInterval, decideNextRun, runDueAt, type NextRun, type NextRunInput } from './next-run.ts';

const daily: SerializedSchedule = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' };
const ms = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;

type Case = Partial<Pick<NextRunInput, 'schedule' | 'catchup' | 'startDate' | 'endDate' | 'allowedRunTypes'>> & {
  readonly last?: string;
  readonly now?: string;
};

function decide({ last, now = '2026-11-21T10:00:00Z', ...rest }: Case): string | undefined {
  const next = decideNextRun({
    schedule: daily,
    catchup: false,
    ...rest,
    lastLogicalAt: last === undefined ? undefined : ms(last),
    now: ms(now),
  });
  return next && Temporal.Instant.fromEpochMilliseconds(next.logicalAt).toString();
}

describe('decideNextRun', () => {
  test.each<[string, Case, string | undefined]>([
    ['without catchup, start date or past run: the next tick', {}, '2026-11-22T00:00:00Z'],
    ['at a tick itself: that tick', { now: '2026-11-21T00:00:00Z' }, '2026-11-21T00:00:00Z'],
    ['with a start date in the past: the latest tick, at once', { startDate: '2026-11-01T00:00:00Z' }, '2026-11-21T00:00:00Z'],
    ['with a start date after the latest tick: the next one', { startDate: '2026-11-21T05:00:00Z' }, '2026-11-22T00:00:00Z'],
    ['with a start date at a tick: that tick', { startDate: '2026-12-01T00:00:00Z' }, '2026-12-01T00:00:00Z'],
    ['with a start date in the future: the first tick from there', { startDate: '2026-12-01T05:00:00Z' }, '2026-12-02T00:00:00Z'],
    ['after the latest tick ran: the next one', { last: '2026-11-21T00:00:00Z' }, '2026-11-22T00:00:00Z'],
    ['after ticks were missed: only the latest of them', { last: '2026-11-01T00:00:00Z' }, '2026-11-21T00:00:00Z'],
    ['after a run in the future: the tick after it', { last: '2026-11-25T00:00:00Z' }, '2026-11-26T00:00:00Z'],
    [
      'with a start date moved behind the last run: not before it',
      { last: '2026-11-21T00:00:00Z', startDate: '2026-12-01T00:00:00Z' },
      '2026-12-01T00:00:00Z',
    ],
    ['with catchup: the first tick since the start date', { catchup: true, startDate: '2026-11-01T00:00:00Z' }, '2026-11-01T00:00:00Z'],
    [
      'with catchup after a run: the tick after it',
      { catchup: true, startDate: '2026-11-01T00:00:00Z', last: '2026-11-03T00:00:00Z' },
      '2026-11-04T00:00:00Z',
    ],
    ['with catchup and neither: the next tick', { catchup: true }, '2026-11-22T00:00:00Z'],
    ['with an end date at the tick: that tick', { endDate: '2026-11-22T00:00:00Z' }, '2026-11-22T00:00:00Z'],
    ['with an end date before it: none', { endDate: '2026-11-21T23:59:59Z' }, undefined],
    [
      'without catchup and an end date in the past: none, though ticks were missed',
      { startDate: '2026-11-01T00:00:00Z', endDate: '2026-11-10T00:00:00Z' },
      undefined,
    ],
    [
      'with catchup and an end date in the past: what was missed',
      { catchup: true, startDate: '2026-11-01T00:00:00Z', endDate: '2026-11-10T00:00:00Z' },
      '2026-11-01T00:00:00Z',
    ],
    ['in a time zone', { schedule: { ...daily, timezone: 'Asia/Kathmandu' } }, '2026-11-21T18:15:00Z'],
    ['without a schedule: none', { schedule: { kind: 'none' } }, undefined],
    ['for a dag that takes no scheduled runs: none', { allowedRunTypes: ['manual'] }, undefined],
    ['for one that takes them among others', { allowedRunTypes: ['manual', 'scheduled'] }, '2026-11-22T00:00:00Z'],
    ['for assets: none', { schedule: { kind: 'asset', any: ['a'] } }, undefined],
    ['for a date that never comes: none', { schedule: { ...daily, expression: '0 0 31 2 *' } }, undefined],
    ['for a cron that cannot be read: none', { schedule: { ...daily, expression: 'soon' } }, undefined],
    ['for a time zone that is none: none', { schedule: { ...daily, timezone: 'Mars/Olympus' } }, undefined],
  ])('%s', (_, input, expected) => {
    expect(decide(input)).toBe(expected);
  });

  test('the run is due at its logical date and its data interval has no length', () => {
    const at = ms('2026-11-22T00:00:00Z');
    expect(decideNextRun({ schedule: daily, catchup: false, now: at - 1 })).toEqual({
      logicalAt: at,
      runAfterAt: at,
      intervalStartAt: at,
      intervalEndAt: at,
    });
  });
});

/** Logical date, and the start and end of the data interval at whose end the run is due. */
function decideInterval(input: Case): readonly (string | undefined)[] | undefined {
  const { last, now = '2026-11-21T10:00:00Z', ...rest } = input;
  const run = decideNextRun({
    schedule: daily,
    catchup: false,
    ...rest,
    lastLogicalAt: last === undefined ? undefined : ms(last),
    now: ms(now),
  });
  return (
    run && [run.logicalAt, run.intervalStartAt, run.intervalEndAt, run.runAfterAt].map((at) => new Date(at).toISOString().slice(0, 16))
  );
}

const everyTwoHours: SerializedSchedule = { kind: 'delta', everyMs: 7_200_000 };
const twoHourIntervals: SerializedSchedule = { kind: 'delta_interval', everyMs: 7_200_000 };
const dailyIntervals: SerializedSchedule = { kind: 'cron_interval', expression: '0 0 * * *', timezone: 'UTC' };
const threeEvents: SerializedSchedule = {
  kind: 'events',
  at: ['2026-11-01T08:00:00Z', '2026-11-20T08:00:00Z', '2026-12-24T08:00:00Z'],
  restrictToEvents: true,
};

describe('a schedule of several crons', () => {
  const crons: SerializedSchedule = { kind: 'crons', expressions: ['0 9 * * *', '30 17 * * *', '0 9 21 11 *'], timezone: 'UTC' };

  test.each<[string, Case, string | undefined]>([
    ['the earliest of them comes next', { now: '2026-11-20T18:00:00Z' }, '2026-11-21T09:00:00Z'],
    ['an instant of two of them is one run', { last: '2026-11-21T09:00:00Z', catchup: true }, '2026-11-21T17:30:00Z'],
    ['of those missed the latest of all is run', { last: '2026-11-01T09:00:00Z' }, '2026-11-21T09:00:00Z'],
  ])('%s', (_, input, expected) => {
    expect(decide({ schedule: crons, ...input })).toBe(expected);
  });
});

describe('what a dag without a start date does about the tick before now', () => {
  const half = { ...daily, expression: '0 */12 * * *' };

  test.each<[string, Partial<typeof half & { runImmediately: unknown }>, string, string]>([
    ['nothing, unless it says so', {}, '2026-11-21T00:00:01Z', '2026-11-21T12:00:00Z'],
    ['always: runs it', { runImmediately: 'always' }, '2026-11-21T11:59:00Z', '2026-11-21T00:00:00Z'],
    ['if recent: runs it within a tenth of the gap', { runImmediately: 'if_recent' }, '2026-11-21T01:12:00Z', '2026-11-21T00:00:00Z'],
    ['if recent: leaves it after that', { runImmediately: 'if_recent' }, '2026-11-21T01:12:01Z', '2026-11-21T12:00:00Z'],
    ['within a time: runs it', { runImmediately: { withinMs: 60_000 } }, '2026-11-21T00:01:00Z', '2026-11-21T00:00:00Z'],
    ['within a time: leaves it after that', { runImmediately: { withinMs: 60_000 } }, '2026-11-21T00:01:01Z', '2026-11-21T12:00:00Z'],
    ['at a tick itself: runs that', {}, '2026-11-21T12:00:00Z', '2026-11-21T12:00:00Z'],
  ])('%s', (_, changes, now, expected) => {
    expect(decide({ schedule: { ...half, ...changes }, now })).toBe(expected);
  });

  test('five minutes are always recent', () => {
    const schedule: SerializedSchedule = { ...daily, expression: '*/10 * * * *', runImmediately: 'if_recent' };
    expect(decide({ schedule, now: '2026-11-21T10:05:00Z' })).toBe('2026-11-21T10:00:00Z');
    expect(decide({ schedule, now: '2026-11-21T10:05:01Z' })).toBe('2026-11-21T10:10:00Z');
  });

  test('nothing where it has a start date, or a past run', () => {
    const schedule: SerializedSchedule = { ...daily, runImmediately: 'always' };
    expect(decide({ schedule, startDate: '2026-11-21T05:00:00Z' })).toBe('2026-11-22T00:00:00Z');
    expect(decide({ schedule, last: '2026-11-21T00:00:00Z' })).toBe('2026-11-22T00:00:00Z');
  });
});

describe('a delta', () => {
  test.each<[string, Case, string | undefined]>([
    ['runs at once where nothing dates it', {}, '2026-11-21T10:00:00Z'],
    ['runs its length after the latest run', { last: '2026-11-21T09:17:00Z' }, '2026-11-21T11:17:00Z'],
    ['runs at once where it is late', { last: '2026-11-21T03:17:00Z' }, '2026-11-21T10:00:00Z'],
    [
      'with catchup runs each time that was missed',
      { catchup: true, startDate: '2026-11-20T00:00:00Z', last: '2026-11-21T03:17:00Z' },
      '2026-11-21T05:17:00Z',
    ],
    ['begins at a start date in the future', { startDate: '2026-11-22T00:00:00Z' }, '2026-11-22T00:00:00Z'],
    ['with catchup begins at its start date', { catchup: true, startDate: '2026-11-20T00:30:00Z' }, '2026-11-20T00:30:00Z'],
  ])('%s', (_, input, expected) => {
    expect(decide({ schedule: everyTwoHours, ...input })).toBe(expected);
  });
});

describe('a data interval', () => {
  test.each<[string, Case, readonly string[] | undefined]>([
    ['of a cron is the latest whole one', { schedule: dailyIntervals }, ['2026-11-20T00:00', '2026-11-20T00:00', '2026-11-21T00:00']],
    [
      'that ends now is whole',
      { schedule: dailyIntervals, now: '2026-11-21T00:00:00Z' },
      ['2026-11-20T00:00', '2026-11-20T00:00', '2026-11-21T00:00'],
    ],
    [
      'follows the latest run',
      { schedule: dailyIntervals, last: '2026-11-20T00:00:00Z' },
      ['2026-11-21T00:00', '2026-11-21T00:00', '2026-11-22T00:00'],
    ],
    [
      'with catchup begins at the first tick from the start date',
      { schedule: dailyIntervals, catchup: true, startDate: '2026-11-01T05:00:00Z' },
      ['2026-11-02T00:00', '2026-11-02T00:00', '2026-11-03T00:00'],
    ],
    [
      'with catchup follows the latest run however long ago',
      { schedule: dailyIntervals, catchup: true, last: '2026-11-05T00:00:00Z' },
      ['2026-11-06T00:00', '2026-11-06T00:00', '2026-11-07T00:00'],
    ],
    [
      'with catchup and nothing to begin with is the latest whole one',
      { schedule: dailyIntervals, catchup: true },
      ['2026-11-20T00:00', '2026-11-20T00:00', '2026-11-21T00:00'],
    ],
    [
      'begins at a tick where the schedule has changed',
      { schedule: dailyIntervals, catchup: true, last: '2026-11-20T07:30:00Z' },
      ['2026-11-21T00:00', '2026-11-21T00:00', '2026-11-22T00:00'],
    ],
    [
      'does not begin after the end date',
      { schedule: dailyIntervals, last: '2026-11-20T00:00:00Z', endDate: '2026-11-20T23:00:00Z' },
      undefined,
    ],
    [
      'may end after the end date',
      { schedule: dailyIntervals, last: '2026-11-20T00:00:00Z', endDate: '2026-11-21T00:00:00Z' },
      ['2026-11-21T00:00', '2026-11-21T00:00', '2026-11-22T00:00'],
    ],
    [
      'on the day of a change of the clock is as long as the day',
      {
        schedule: { kind: 'cron_interval', expression: '0 0 * * *', timezone: 'Europe/Berlin' },
        now: '2026-10-25T23:30:00Z',
      },
      ['2026-10-24T22:00', '2026-10-24T22:00', '2026-10-25T23:00'],
    ],
    ['of a delta ends now', { schedule: twoHourIntervals }, ['2026-11-21T08:00', '2026-11-21T08:00', '2026-11-21T10:00']],
    [
      'of a delta follows the latest one',
      { schedule: twoHourIntervals, last: '2026-11-21T07:30:00Z' },
      ['2026-11-21T09:30', '2026-11-21T09:30', '2026-11-21T11:30'],
    ],
    [
      'of a delta with catchup begins at the start date',
      { schedule: twoHourIntervals, catchup: true, startDate: '2026-11-01T00:30:00Z' },
      ['2026-11-01T00:30', '2026-11-01T00:30', '2026-11-01T02:30'],
    ],
    [
      'of a cron that runs at its ticks ends there',
      { schedule: { ...daily, intervalMs: 86_400_000 } },
      ['2026-11-22T00:00', '2026-11-21T00:00', '2026-11-22T00:00'],
    ],
  ])('%s', (_, input, expected) => {
    expect(decideInterval(input)).toEqual(expected && [...expected, expected[2]]);
  });

  test('is the same when it is told from the due time', () => {
    for (const timetable of [dailyIntervals, twoHourIntervals, everyTwoHours, daily, threeEvents] as SerializedTimetable[]) {
      const next = decideNextRun({ schedule: timetable, catchup: false, now: ms('2026-11-21T10:00:00Z') }) as NextRun;
      expect(runDueAt(timetable, next.runAfterAt)).toEqual(next);
    }
  });
});

describe('listed events', () => {
  test.each<[string, Case, string | undefined]>([
    ['come in order', {}, '2026-12-24T08:00:00Z'],
    ['of those missed the latest is run', { startDate: '2026-10-01T00:00:00Z' }, '2026-11-20T08:00:00Z'],
    ['with catchup each is run', { startDate: '2026-10-01T00:00:00Z', catchup: true }, '2026-11-01T08:00:00Z'],
    ['end', { last: '2026-12-24T08:00:00Z' }, undefined],
  ])('%s', (_, input, expected) => {
    expect(decide({ schedule: threeEvents, ...input })).toBe(expected);
  });
});

test.each<[string, Case, string | undefined]>([
  ['@once runs at once', { schedule: { kind: 'once' } }, '2026-11-21T10:00:00Z'],
  ['@once runs at its start date', { schedule: { kind: 'once' }, startDate: '2026-11-01T00:00:00Z' }, '2026-11-01T00:00:00Z'],
  ['@once never runs again', { schedule: { kind: 'once' }, last: '2026-11-01T00:00:00Z' }, undefined],
  ['@once does not run after the end date', { schedule: { kind: 'once' }, endDate: '2026-11-01T00:00:00Z' }, undefined],
  ['@continuous runs now', { schedule: { kind: 'continuous' }, last: '2026-11-21T09:59:00Z' }, '2026-11-21T10:00:00Z'],
  ['@continuous waits for its start date', { schedule: { kind: 'continuous' }, startDate: '2026-12-01T00:00:00Z' }, '2026-12-01T00:00:00Z'],
  [
    'a clock beside assets goes on its own',
    {
      schedule: {
        kind: 'asset_or_time',
        time: { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' },
        assets: { kind: 'asset', any: ['a'] },
      },
    },
    '2026-11-22T00:00:00Z',
  ],
  ['the code of a timetable is not asked here', { schedule: { kind: 'custom', summary: 'tides' } }, undefined],
])('%s', (_, input, expected) => {
  expect(decide(input)).toBe(expected);
});

describe('decideManualInterval', () => {
  test.each<[string, SerializedTimetable | undefined, string, string]>([
    ['without a clock has no length', undefined, '2026-11-21T10:00', '2026-11-21T10:00'],
    ['of a cron has no length', daily, '2026-11-21T10:00', '2026-11-21T10:00'],
    ['of a cron with an interval is that long', { ...daily, intervalMs: 3_600_000 }, '2026-11-21T09:00', '2026-11-21T10:00'],
    ['of intervals is the latest whole one', dailyIntervals, '2026-11-20T00:00', '2026-11-21T00:00'],
    ['of a delta of intervals ends there', twoHourIntervals, '2026-11-21T08:00', '2026-11-21T10:00'],
    ['of events that it is restricted to is the latest', threeEvents, '2026-11-20T08:00', '2026-11-20T08:00'],
    ['of other events has no length', { ...threeEvents, restrictToEvents: false }, '2026-11-21T10:00', '2026-11-21T10:00'],
  ])('%s', (_, timetable, start, end) => {
    expect(decideManualInterval(timetable, ms('2026-11-21T10:00:00Z'))).toEqual({ startAt: ms(`${start}Z`), endAt: ms(`${end}Z`) });
  });
});
