import type { SerializedDag, SerializedSchedule } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { listNextRuns } from './list-next-runs.ts';
import { runAt, runDueAt } from './next-run.ts';

const MIDNIGHT = Date.UTC(2026, 10, 22);
const dag = (schedule: SerializedSchedule, changes: Partial<SerializedDag> = {}): SerializedDag => ({
  schemaVersion: 1,
  dagId: 'd',
  tags: [],
  schedule,
  catchup: false,
  isPausedUponCreation: false,
  params: {},
  maxActiveRuns: 16,
  maxActiveTasks: 16,
  tasks: [],
  assets: [],
  ...changes,
});
const daily: SerializedSchedule = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' };

test.each<[string, SerializedDag, string[]]>([
  ['follow each other', dag(daily), ['2026-11-22', '2026-11-23', '2026-11-24']],
  ['end at the end date', dag(daily, { endDate: '2026-11-23T00:00:00Z' }), ['2026-11-22', '2026-11-23']],
  ['end where the next one cannot be told', dag({ kind: 'continuous' }), ['2026-11-22']],
])('the next runs %s', (_, dagOf, expected) => {
  expect(listNextRuns(dagOf, runAt(MIDNIGHT), 3).map(({ logicalAt }) => new Date(logicalAt).toISOString().slice(0, 10))).toEqual(expected);
});

test('the next data intervals touch', () => {
  const schedule = { kind: 'cron_interval', expression: '0 0 * * *', timezone: 'Europe/Berlin' } as const;
  const first = runDueAt(schedule, Date.UTC(2026, 9, 23, 22)) ?? runAt(0);
  const runs = listNextRuns(dag(schedule), first, 5);
  expect(runs).toHaveLength(5);
  for (const [index, run] of runs.entries())
    expect(run.intervalStartAt).toBe(index === 0 ? first.intervalStartAt : runs[index - 1]?.intervalEndAt);
});
