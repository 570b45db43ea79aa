import { serializedScheduleSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { DefinitionError } from '../errors.ts';
import { asset } from './asset.ts';
import { readSchedule } from './read-schedule.ts';
import { assetOrTime } from './schedule.ts';
import { cron, cronInterval, crons, events, every, timetable } from './timetable.ts';

const orders = asset('orders');
const HOUR_MS = 3_600_000;
const tokyo = { timezone: 'Asia/Tokyo' };

describe('a schedule', () => {
  test.each<[string, unknown, object]>([
    ['cron text of six fields', '*/10 * * * * *', { kind: 'cron', expression: '*/10 * * * * *', timezone: 'Europe/Paris' }],
    ['@once', '@once', { kind: 'once' }],
    ['@continuous', '@continuous', { kind: 'continuous' }],
    ['a cron', cron('0 6 * * *'), { kind: 'cron', expression: '0 6 * * *', timezone: 'Europe/Paris' }],
    [
      'a cron with all that it can be told',
      cron('@daily', { ...tokyo, interval: { hours: 1 }, runImmediately: true }),
      { kind: 'cron', expression: '0 0 * * *', timezone: 'Asia/Tokyo', intervalMs: HOUR_MS, runImmediately: 'always' },
    ],
    [
      'a cron that runs at once where it is recent',
      cron('@daily', { interval: false, runImmediately: null }),
      { kind: 'cron', expression: '0 0 * * *', timezone: 'Europe/Paris', runImmediately: 'if_recent' },
    ],
    [
      'a cron that runs at once within a time',
      cron('@daily', { runImmediately: { hours: 1 } }),
      { kind: 'cron', expression: '0 0 * * *', timezone: 'Europe/Paris', runImmediately: { withinMs: HOUR_MS } },
    ],
    [
      'several crons, each once',
      crons(['0 6 * * *', '@hourly', ' 0  6 * * * '], tokyo),
      { kind: 'crons', expressions: ['0 6 * * *', '0 * * * *'], timezone: 'Asia/Tokyo' },
    ],
    ['intervals of a cron', cronInterval('@weekly'), { kind: 'cron_interval', expression: '0 0 * * 0', timezone: 'Europe/Paris' }],
    ['intervals in a timezone', cronInterval('@weekly', tokyo), { kind: 'cron_interval', expression: '0 0 * * 0', timezone: 'Asia/Tokyo' }],
    ['a delta', every({ hours: 2 }), { kind: 'delta', everyMs: 2 * HOUR_MS }],
    [
      'a delta with an interval',
      every({ hours: 2 }, { interval: { hours: 1 } }),
      { kind: 'delta', everyMs: 2 * HOUR_MS, intervalMs: HOUR_MS },
    ],
    ['intervals of a delta', every({ hours: 2 }, { style: 'interval' }), { kind: 'delta_interval', everyMs: 2 * HOUR_MS }],
    [
      'events, in order and each once',
      events(['2026-09-15T09:00+02:00', Temporal.Instant.from('2026-03-17T09:00Z'), '2026-09-15T07:00Z'], {
        restrictToEvents: true,
        description: 'releases',
      }),
      { kind: 'events', at: ['2026-03-17T09:00:00Z', '2026-09-15T07:00:00Z'], restrictToEvents: true, description: 'releases' },
    ],
    ['a timetable of one’s own', timetable({ summary: 'tides', next: () => null }), { kind: 'custom', summary: 'tides' }],
    [
      'assets or a time',
      assetOrTime({ time: '@daily', assets: { any: [orders] } }),
      {
        kind: 'asset_or_time',
        time: { kind: 'cron', expression: '0 0 * * *', timezone: 'Europe/Paris' },
        assets: { kind: 'asset', any: ['orders'] },
      },
    ],
  ])('can be %s', (_, value, expected) => {
    const { schedule } = readSchedule('dag "d"', value, 'Europe/Paris');
    expect(schedule).toEqual(expected);
    expect(serializedScheduleSchema.parse(schedule)).toEqual(expected);
  });

  test('brings along its assets and the code of its timetable', () => {
    const next = () => null;
    const read = readSchedule('dag "d"', assetOrTime({ time: timetable({ summary: 'tides', next }), assets: orders }), 'UTC');
    expect(read.assets).toEqual([orders]);
    expect(read.timetable?.next).toBe(next);
    expect(readSchedule('dag "d"', every({ hours: 1 }), 'UTC')).not.toHaveProperty('timetable');
  });

  test.each<[string, () => unknown, string]>([
    ['a preset that is no cron', () => cron('@once'), "the expression is '@once', which is no cron; use schedule: '@once'"],
    ['a preset misspelt', () => cron('@dayly'), "did you mean '@daily'?"],
    ['cron of four fields', () => cronInterval('0 0 * *'), 'cron text has five fields'],
    ['an option of cron misspelt', () => cron('@daily', { timezon: 'UTC' } as object), "did you mean 'timezone'?"],
    ['no crons', () => crons([]), 'give a list of 1 to 100 crons'],
    ['a cron among several', () => crons(['@daily', 'soon']), "expression 2 is 'soon'"],
    ['an unknown timezone', () => cron('@daily', { timezone: 'Mars' }), "timezone is 'Mars'; use an IANA name"],
    ['a delta of no length', () => every({}), 'the length is {}; name milliseconds, seconds'],
    ['a delta of months', () => every({ months: 1 } as object), 'the length is { months: 1 }; name milliseconds'],
    ['a delta that is too short', () => every({ milliseconds: 999 }), 'a dag runs once a second at most'],
    ['an unknown style', () => every({ hours: 1 }, { style: 'cron' as 'trigger' }), "style is 'cron'; use 'trigger' or 'interval'"],
    ['two intervals', () => every({ hours: 1 }, { style: 'interval', interval: { hours: 2 } }), "interval goes with style 'trigger'"],
    ['no events', () => events([]), 'give a list of 1 to 10000 instants'],
    ['an event without an offset', () => events(['2026-03-17T09:00']), "instant 1 is '2026-03-17T09:00'; use a time with its offset"],
    ['a timetable without words', () => timetable({ summary: ' ', next: () => null }), 'summary is missing'],
    ['a timetable without code', () => timetable({ summary: 'tides' } as never), 'next is undefined; give a function'],
    ['assets for a time', () => read(assetOrTime({ time: orders as never, assets: orders })), 'schedule.time is {'],
    [
      'a time for assets',
      () => read(assetOrTime({ time: '@daily', assets: '@daily' as never })),
      "schedule.assets is '@daily'; use an asset",
    ],
  ])('cannot be %s', (_, define, message) => {
    expect(define).toThrow(DefinitionError);
    expect(define).toThrow(message);
  });
});

const read = (value: unknown): unknown => readSchedule('dag "d"', value, 'UTC');
