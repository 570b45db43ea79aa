import type { DagRunState, SerializedDag, SerializedSchedule, SerializedTask } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import type { ReprocessBehavior } from './backfill.ts';
import { decideBackfillDate, MAX_BACKFILL_RUNS, planBackfill, type BackfillRange } from './plan-backfill.ts';

const ms = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds;
const NOW = ms('2026-11-21T10:00:00Z');
const daily: SerializedSchedule = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' };

function dagOn(schedule: SerializedSchedule, changes: Partial<SerializedDag> = {}): SerializedDag {
  return {
    schemaVersion: 1,
    dagId: 'sales',
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

const task: SerializedTask = {
  taskId: 'load',
  operator: 'empty',
  inputs: {},
  upstream: [],
  triggerRule: 'all_success',
  retries: 0,
  retryDelayMs: 0,
  isolation: 'warm',
  outlets: [],
};

function plan(dag: SerializedDag, from: string, to: string, changes: Partial<BackfillRange> = {}) {
  return planBackfill(dag, { fromAt: ms(from), toAt: ms(to), isBackwards: false, reprocessBehavior: 'none', ...changes }, NOW);
}

/** Logical dates and when the runs are due, of a backfill that is taken. */
function dates(dag: SerializedDag, from: string, to: string): string[] {
  const planned = plan(dag, from, to);
  if (!planned.ok) throw new Error(planned.message);
  return planned.runs.map(({ logicalAt, runAfterAt }) => {
    const [logical, due] = [logicalAt, runAfterAt].map((at) => new Date(at).toISOString().slice(0, 16));
    return logical === due ? (logical ?? '') : `${logical}, due ${due}`;
  });
}

describe('planBackfill', () => {
  test.each<[string, SerializedSchedule, readonly [from: string, to: string], string[]]>([
    [
      'both ends are included',
      daily,
      ['2026-11-01T00:00:00Z', '2026-11-03T00:00:00Z'],
      ['2026-11-01T00:00', '2026-11-02T00:00', '2026-11-03T00:00'],
    ],
    ['the first date is the first tick from there', daily, ['2026-11-01T00:00:01Z', '2026-11-02T23:00:00Z'], ['2026-11-02T00:00']],
    ['a range without a tick has no date', daily, ['2026-11-01T01:00:00Z', '2026-11-01T23:00:00Z'], []],
    ['dates of the future are left out', daily, ['2026-11-20T12:00:00Z', '2027-01-01T00:00:00Z'], ['2026-11-21T00:00']],
    [
      'intervals count by their start, and must have ended',
      { kind: 'cron_interval', expression: '0 0 * * *', timezone: 'UTC' },
      ['2026-11-19T00:00:00Z', '2026-11-21T00:00:00Z'],
      ['2026-11-19T00:00, due 2026-11-20T00:00', '2026-11-20T00:00, due 2026-11-21T00:00'],
    ],
    [
      'a delta begins at the first instant',
      { kind: 'delta', everyMs: 7_200_000 },
      ['2026-11-01T00:30:00Z', '2026-11-01T04:00:00Z'],
      ['2026-11-01T00:30', '2026-11-01T02:30'],
    ],
    [
      'the clock of assets and clock counts',
      { kind: 'asset_or_time', time: { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' }, assets: { kind: 'asset', any: ['a'] } },
      ['2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z'],
      ['2026-11-01T00:00'],
    ],
    [
      'events count',
      { kind: 'events', at: ['2026-10-31T00:00:00Z', '2026-11-02T00:00:00Z'], restrictToEvents: false },
      ['2026-11-01T00:00:00Z', '2026-11-03T00:00:00Z'],
      ['2026-11-02T00:00'],
    ],
  ])('%s', (_, schedule, [from, to], expected) => {
    expect(dates(dagOn(schedule), from, to)).toEqual(expected);
  });

  test('start and end date of the dag do not bound it', () => {
    const dag = dagOn(daily, { startDate: '2026-11-02T00:00:00Z', endDate: '2026-11-02T00:00:00Z' });
    expect(dates(dag, '2026-11-01T00:00:00Z', '2026-11-03T00:00:00Z')).toHaveLength(3);
  });

  test.each<[string, SerializedDag, Partial<BackfillRange>, `${'conflict' | 'invalid'}: ${string}`]>([
    ['a dag without a schedule', dagOn({ kind: 'none' }), {}, 'conflict: sales has no schedule'],
    ['a dag of assets', dagOn({ kind: 'asset', any: ['a'] }), {}, 'conflict: sales has no schedule'],
    ['@once', dagOn({ kind: 'once' }), {}, 'conflict: sales does not support backfill'],
    ['@continuous', dagOn({ kind: 'continuous' }), {}, 'conflict: sales does not support backfill'],
    ['a timetable of the author’s own', dagOn({ kind: 'custom', summary: 'x' }), {}, 'conflict: sales does not support backfill'],
    ['a dag that takes none', dagOn(daily, { allowedRunTypes: ['manual'] }), {}, 'conflict: its allowedRunTypes are manual'],
    ['an end before the start', dagOn(daily), { fromAt: ms('2026-11-04T00:00:00Z') }, 'invalid: to_date must not be before from_date'],
    ['the future', dagOn(daily), { fromAt: NOW + 1, toAt: NOW + 2 }, 'invalid: Backfill cannot be executed for future dates.'],
    [
      'dependence on the past, backwards',
      dagOn(daily, { tasks: [{ ...task, dependsOnPast: true }] }),
      { isBackwards: true },
      'invalid: in reverse',
    ],
    [
      'dependence on the past, without reprocessing',
      dagOn(daily, { tasks: [{ ...task, dependsOnPast: true }] }),
      {},
      'invalid: You must set reprocess behavior',
    ],
    [
      'more runs than there may be',
      dagOn({ kind: 'delta', everyMs: 1_000 }),
      { fromAt: NOW - (MAX_BACKFILL_RUNS + 1) * 1_000, toAt: NOW },
      'invalid: more than 100000 runs',
    ],
  ])('is refused for %s', (_, dag, changes, refusal) => {
    const planned = plan(dag, '2026-11-01T00:00:00Z', '2026-11-03T00:00:00Z', changes);
    const [problem, message = ''] = refusal.split(': ');
    expect(planned).toMatchObject({ ok: false, problem, message: expect.stringContaining(message) as string });
  });

  test('with dependence on the past is taken where it reprocesses', () => {
    const dag = dagOn(daily, { tasks: [{ ...task, dependsOnPast: true }] });
    expect(plan(dag, '2026-11-01T00:00:00Z', '2026-11-03T00:00:00Z', { reprocessBehavior: 'failed' })).toMatchObject({ ok: true });
  });
});

test.each<[DagRunState | undefined, ReprocessBehavior, string]>([
  [undefined, 'none', 'create'],
  [undefined, 'completed', 'create'],
  ['queued', 'completed', 'in flight'],
  ['running', 'failed', 'in flight'],
  ['success', 'none', 'already exists'],
  ['failed', 'none', 'already exists'],
  ['success', 'failed', 'already exists'],
  ['failed', 'failed', 'reprocess'],
  ['success', 'completed', 'reprocess'],
  ['failed', 'completed', 'reprocess'],
])('a date whose run is %s and a backfill that reprocesses %s: %s', (state, behavior, decision) => {
  expect(decideBackfillDate(state, behavior)).toBe(decision);
});
