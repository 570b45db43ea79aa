import type { SerializedSchedule } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { findScheduleProblem } from './find-schedule-problem.ts';

const daily: SerializedSchedule = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' };
const UNREADABLE = 'cron "0 0 L * *": day of month "l" is not a day of month (L, W, #, ? and H of other crons are not supported)';
const NO_ZONE = 'there is no time zone "Berlin"; names look like Europe/Berlin';

test.each<[SerializedSchedule, string | undefined]>([
  [{ kind: 'none' }, undefined],
  [daily, undefined],
  [{ ...daily, expression: '*/10 * * * * *' }, undefined],
  [{ ...daily, expression: '0 0 L * *' }, UNREADABLE],
  [{ ...daily, timezone: 'Berlin' }, NO_ZONE],
  [{ kind: 'cron_interval', expression: '0 0 L * *', timezone: 'UTC' }, UNREADABLE],
  [{ kind: 'crons', expressions: ['0 0 * * *', '0 0 L * *'], timezone: 'UTC' }, UNREADABLE],
  [
    { kind: 'asset_or_time', time: { kind: 'cron', expression: '@daily', timezone: 'Berlin' }, assets: { kind: 'asset', any: ['a'] } },
    NO_ZONE,
  ],
  [{ kind: 'delta', everyMs: 60_000 }, undefined],
])('findScheduleProblem says of %j: %s', (schedule, problem) => {
  expect(findScheduleProblem(schedule)).toBe(problem);
});
