import type { SerializedSchedule } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { nameTimetable, summariseSchedule } from './describe-schedule.ts';

const assets = { kind: 'asset', any: ['orders'] } as const;

test.each<[SerializedSchedule, string | null, string | null]>([
  [{ kind: 'none' }, null, null],
  [{ kind: 'cron', expression: '@daily', timezone: 'UTC' }, '@daily', '@daily'],
  [{ kind: 'cron', expression: '0 9 * * *', timezone: 'Europe/Berlin' }, '0 9 * * * Europe/Berlin', '0 9 * * *'],
  [{ kind: 'cron_interval', expression: '0 9 * * *', timezone: 'Asia/Tokyo' }, '0 9 * * * Asia/Tokyo', '0 9 * * *'],
  [{ kind: 'crons', expressions: ['0 9 * * *', '0 17 * * *'], timezone: 'UTC' }, '0 9 * * *, 0 17 * * *', '0 9 * * *, 0 17 * * *'],
  [{ kind: 'delta', everyMs: 7_200_000 }, 'every 2 h', '2 h'],
  [{ kind: 'delta_interval', everyMs: 129_601_500 }, 'every 1 d 12 h 1 s 500 ms', '1 d 12 h 1 s 500 ms'],
  [{ kind: 'events', at: ['2026-01-01T00:00:00Z'], restrictToEvents: false, description: 'new year' }, 'new year', 'new year'],
  [{ kind: 'events', at: ['2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'], restrictToEvents: false }, '2 events', '2 events'],
  [{ kind: 'once' }, '@once', '@once'],
  [{ kind: 'continuous' }, '@continuous', '@continuous'],
  [{ kind: 'custom', summary: 'at high tide' }, 'at high tide', 'at high tide'],
  [assets, 'asset orders', 'Asset'],
  [{ kind: 'asset_or_time', time: { kind: 'once' }, assets }, '@once or asset orders', 'Asset or @once'],
])('%j is summarised as %s and named %s', (schedule, summary, name) => {
  expect(summariseSchedule(schedule)).toBe(summary);
  expect(nameTimetable(schedule)).toBe(name);
});
