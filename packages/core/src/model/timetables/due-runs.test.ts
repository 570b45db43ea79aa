import type { SerializedDag, SerializedSchedule } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { decideDueRuns, type DueRunsInput } from './due-runs.ts';
import { runAt } from './next-run.ts';

const ms = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const DAY_MS = 86_400_000;

function dagOn(schedule: SerializedSchedule, changes: Partial<SerializedDag> = {}): SerializedDag {
  return {
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
  };
}

const daily: SerializedSchedule = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' };

function due(dag: SerializedDag, input: Partial<DueRunsInput> & { readonly due: string; readonly at: string }) {
  const runs = decideDueRuns(dag, { lastIntervalEndAt: null, most: 10, ...input, dueAt: ms(input.due), now: ms(input.at) });
  return runs.map(({ logicalAt, nextRunAt }) => [
    new Date(logicalAt).toISOString().slice(0, 10),
    nextRunAt === null ? null : new Date(nextRunAt).toISOString().slice(0, 10),
  ]);
}

describe('decideDueRuns', () => {
  test('gives the run that is due, and when the next one is', () => {
    expect(due(dagOn(daily), { due: '2026-11-21T00:00:00Z', at: '2026-11-21T00:00:00Z' })).toEqual([['2026-11-21', '2026-11-22']]);
  });

  test('without catchup gives the run that was decided on, and of those missed since only the latest', () => {
    expect(due(dagOn(daily), { due: '2026-11-01T00:00:00Z', at: '2026-11-21T10:00:00Z' })).toEqual([
      ['2026-11-01', '2026-11-21'],
      ['2026-11-21', '2026-11-22'],
    ]);
  });

  test('with catchup gives each, and not more than asked for', () => {
    const dag = dagOn(daily, { catchup: true, startDate: '2026-01-01T00:00:00Z' });
    expect(due(dag, { due: '2026-11-01T00:00:00Z', at: '2026-11-21T10:00:00Z', most: 2 })).toEqual([
      ['2026-11-01', '2026-11-02'],
      ['2026-11-02', '2026-11-03'],
    ]);
    expect(due(dag, { due: '2026-11-01T00:00:00Z', at: '2026-11-21T10:00:00Z', most: 100 })).toHaveLength(21);
  });

  test('ends at the end date', () => {
    const dag = dagOn(daily, { catchup: true, endDate: '2026-11-02T00:00:00Z' });
    expect(due(dag, { due: '2026-11-01T00:00:00Z', at: '2026-11-21T10:00:00Z' })).toEqual([
      ['2026-11-01', '2026-11-02'],
      ['2026-11-02', null],
    ]);
  });

  test('gives nothing of a dag that takes no scheduled runs', () => {
    const dag = dagOn(daily, { allowedRunTypes: ['manual'] });
    expect(due(dag, { due: '2026-11-21T00:00:00Z', at: '2026-11-21T10:00:00Z' })).toEqual([]);
  });

  test('gives nothing before the due time', () => {
    expect(due(dagOn(daily), { due: '2026-11-22T00:00:00Z', at: '2026-11-21T10:00:00Z' })).toEqual([]);
  });

  test('@continuous runs from now on, over the time since its last run', () => {
    const now = ms('2026-11-21T10:00:00Z');
    const dag = dagOn({ kind: 'continuous' });
    expect(decideDueRuns(dag, { dueAt: now - 500, now, most: 10, lastIntervalEndAt: now - 900 })).toEqual([
      { logicalAt: now, runAfterAt: now, intervalStartAt: now - 900, intervalEndAt: now, dueAt: now - 500, nextRunAt: now },
    ]);
    expect(decideDueRuns(dag, { dueAt: now - 500, now, most: 10, lastIntervalEndAt: null })[0]?.intervalStartAt).toBe(now - 500);
  });

  test('a timetable of the author’s own gives what its code has named', () => {
    const now = ms('2026-11-21T10:00:00Z');
    const dag = dagOn({ kind: 'custom', summary: 'tides' });
    const stock = [-2, -1, 0, 1].map((days) => runAt(now + days * DAY_MS));
    const runs = decideDueRuns(dag, { dueAt: now - DAY_MS, now, most: 10, lastIntervalEndAt: null, stock });
    expect(runs.map(({ runAfterAt, nextRunAt }) => [runAfterAt - now, (nextRunAt ?? 0) - now])).toEqual([
      [-DAY_MS, 0],
      [0, DAY_MS],
    ]);
    expect(decideDueRuns(dag, { dueAt: now - 1, now, most: 10, lastIntervalEndAt: null, stock })).toEqual([]);
    expect(decideDueRuns(dag, { dueAt: now, now, most: 10, lastIntervalEndAt: null })).toEqual([]);
  });
});
