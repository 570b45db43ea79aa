import type { SerializedSchedule } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { decideNextRun, findScheduleProblem, summariseSchedule, type NextRunInput } from './next-run.ts';

const daily: SerializedSchedule = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' };
const ms = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;

type Case = Partial<Pick<NextRunInput, 'schedule' | 'catchup' | 'startDate' | 'endDate'>> & {
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

test.each<[SerializedSchedule, string | null]>([
  [{ kind: 'none' }, null],
  [{ kind: 'cron', expression: '@daily', timezone: 'UTC' }, '@daily'],
  [{ kind: 'cron', expression: '0 9 * * *', timezone: 'Europe/Berlin' }, '0 9 * * * Europe/Berlin'],
  [{ kind: 'asset', any: ['orders'] }, 'asset orders'],
  [{ kind: 'asset', any: ['orders', 'returns'] }, 'any of the assets orders, returns'],
])('summariseSchedule says %j as %s', (schedule, summary) => {
  expect(summariseSchedule(schedule)).toBe(summary);
});

test.each<[SerializedSchedule, string | undefined]>([
  [{ kind: 'none' }, undefined],
  [daily, undefined],
  [
    { ...daily, expression: '0 0 L * *' },
    'cron "0 0 L * *": day of month "l" is not a day of month (L, W, #, ? and H of other crons are not supported)',
  ],
  [{ ...daily, timezone: 'Berlin' }, 'there is no time zone "Berlin"; names look like Europe/Berlin'],
])('findScheduleProblem says of %j: %s', (schedule, problem) => {
  expect(findScheduleProblem(schedule)).toBe(problem);
});
