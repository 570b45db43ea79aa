import type { SerializedDeadline } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { decideDeadlines, decideExpectedDeadlines, type RunWithDeadlines, type Runtimes } from './deadlines.ts';

const RUN: RunWithDeadlines = { id: 'run_1', dagId: 'orders', logicalAt: 1_000, queuedAt: 5_000, clearNumber: 0 };
const deadline = (reference: SerializedDeadline['reference'], intervalMs = 100): SerializedDeadline => ({
  name: 'in_time',
  reference,
  intervalMs,
});
const averageOf =
  (runtimes: Runtimes) =>
  (maxRuns: number): Runtimes =>
    maxRuns === 10 ? runtimes : { runs: 0, averageMs: null };
const average = deadline({ kind: 'average_runtime', maxRuns: 10, minRuns: 3 });
const none = averageOf({ runs: 0, averageMs: null });

describe('a deadline is due', () => {
  test.each([
    ['an interval after the queueing', RUN, deadline({ kind: 'dag_run_queued_at' }), 5_100],
    ['before it, with an interval below zero', RUN, deadline({ kind: 'dag_run_queued_at' }, -100), 4_900],
    ['an interval after the logical date', RUN, deadline({ kind: 'dag_run_logical_date' }), 1_100],
    ['never, without a logical date', { ...RUN, logicalAt: null }, deadline({ kind: 'dag_run_logical_date' }), undefined],
    ['an interval after a fixed moment', RUN, deadline({ kind: 'fixed_datetime', at: '1970-01-01T00:00:09Z' }), 9_100],
    ['as it was, after a clear', { ...RUN, clearNumber: 1 }, deadline({ kind: 'dag_run_logical_date' }), undefined],
    ['anew, after a clear', { ...RUN, clearNumber: 1, queuedAt: 7_000 }, deadline({ kind: 'dag_run_queued_at' }), 7_100],
  ])('%s', (_, run, one, dueAt) => {
    expect(decideDeadlines(run, [one], none).map((decided) => decided.dueAt)).toEqual(dueAt === undefined ? [] : [dueAt]);
  });

  test.each([
    ['the average after the queueing', { runs: 3, averageMs: 2_000 }, [7_100]],
    ['never, while there are too few runs', { runs: 2, averageMs: 2_000 }, []],
    ['never, while there are none', { runs: 0, averageMs: null }, []],
  ])('%s', (_, runtimes, dueAt) => {
    expect(decideDeadlines(RUN, [average], averageOf(runtimes)).map((decided) => decided.dueAt)).toEqual(dueAt);
  });
});

describe('the next scheduled run', () => {
  const HOUR = 3_600_000;
  const next = { dagId: 'orders', nextRunAt: 2 * HOUR };
  const logical = deadline({ kind: 'dag_run_logical_date' });

  test.each([
    ['of a cron', { kind: 'cron', expression: '0 * * * *', timezone: 'UTC' }, [2 * HOUR + 100]],
    ['of a data interval, from its start', { kind: 'cron_interval', expression: '0 * * * *', timezone: 'UTC' }, [HOUR + 100]],
    ['of nothing', { kind: 'none' }, []],
    ['of code', { kind: 'custom', summary: 'mine' }, []],
    ['of the end of the one before', { kind: 'continuous' }, []],
  ] as const)('has its deadline %s', (_, schedule, dueAt) => {
    expect(decideExpectedDeadlines(next, schedule, [logical]).map((one) => one.dueAt)).toEqual(dueAt);
  });

  test('has those alone that count from the logical date, under the id that they keep', () => {
    const queued = { ...deadline({ kind: 'dag_run_queued_at' }), name: 'other' };
    const [expected, ...more] = decideExpectedDeadlines(next, { kind: 'cron', expression: '0 * * * *', timezone: 'UTC' }, [
      queued,
      logical,
    ]);
    const [later] = decideDeadlines({ ...RUN, logicalAt: 2 * HOUR }, [logical], none);
    expect([expected?.id, more]).toEqual([later?.id, []]);
  });
});
