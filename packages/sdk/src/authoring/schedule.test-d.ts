import { describe, expectTypeOf, test } from 'vitest';
import { asset } from './asset.ts';
import { dag } from './dag.ts';
import { assetOrTime, type ScheduledExtra } from './schedule.ts';
import { cron, cronInterval, crons, events, every, timetable, type Timetable } from './timetable.ts';

const orders = asset<{ total: number }>('orders');

describe('a schedule', () => {
  test('can be every kind of timetable', () => {
    const timetables = [cron('@daily'), crons(['@daily']), cronInterval('@daily'), every({ hours: 2 }), events(['2026-01-01T00:00Z'])];
    for (const schedule of ['@once', '*/10 * * * * *', ...timetables]) dag('d', { schedule }, () => {});
    const tides = timetable({ summary: 'tides', next: (last, { now }) => last?.runAfter.add({ hours: 12 }) ?? now });
    dag('tides', { schedule: tides }, () => {});
  });

  test('of a clock brings no events, and assets beside it bring theirs', () => {
    expectTypeOf<ScheduledExtra<Timetable>>().toEqualTypeOf<never>();
    const both = assetOrTime({ time: every({ hours: 1 }), assets: { any: [orders] } });
    expectTypeOf<ScheduledExtra<typeof both>>().toEqualTypeOf<{ total: number }>();
    dag('both', { schedule: both }, (d) => {
      d.task('sum', { run: (_, context) => context.events().reduce((sum, { extra }) => sum + extra.total, 0) });
    });
  });

  test('is told only what it takes', () => {
    cron('@daily', { interval: false, runImmediately: { minutes: 5 } });
    cron('@daily', { runImmediately: null });
    // @ts-expect-error lengths are named
    every(2);
    // @ts-expect-error there are two styles
    every({ hours: 1 }, { style: 'cron' });
    // @ts-expect-error an interval is a length
    cron('@daily', { interval: true });
    // @ts-expect-error a time is no asset
    assetOrTime({ time: '@daily', assets: '@daily' });
    // @ts-expect-error next returns an instant, a run or null
    timetable({ summary: 'x', next: () => 'soon' });
    // @ts-expect-error a timetable says in words when it is due
    timetable({ next: () => null });
    // @ts-expect-error Date is not Temporal
    events([new Date()]);
  });
});
