import type { TimetableQuestion } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import type { DagDefinition } from '../authoring/definition.ts';
import type { TimetableCode } from '../authoring/timetable.ts';
import { askTimetable } from './ask-timetable.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 21, 10);
const instant = (ms: number): Temporal.Instant => Temporal.Instant.fromEpochMilliseconds(ms);

function ask(next: TimetableCode['next'], changes: Partial<TimetableQuestion> = {}) {
  const dag = { dagId: 'tides', timetable: { next } } as unknown as DagDefinition;
  const question = { dagId: 'tides', last: null, now: NOW, earliestAt: null, latestAt: null, catchup: false, most: 3, ...changes };
  return askTimetable([dag], question);
}

const hourly: TimetableCode['next'] = (last, { now }) => last?.runAfter.add({ hours: 1 }) ?? now;
const due = (answer: ReturnType<typeof ask>): number[] => answer.runs.map(({ runAfterAt }) => (runAfterAt - NOW) / HOUR_MS);
const lastAt = (ms: number) => ({ logicalAt: ms, runAfterAt: ms, intervalStartAt: ms, intervalEndAt: ms });

describe('askTimetable', () => {
  test('asks for one run after the other, as many as are wanted', () => {
    const answer = ask(hourly);
    expect(due(answer)).toEqual([0, 1, 2]);
    expect(answer.isExhausted).toBe(false);
  });

  test('goes on after the latest run, of which the code sees everything', () => {
    const last = { logicalAt: NOW - 3, runAfterAt: NOW, intervalStartAt: NOW - 2, intervalEndAt: NOW - 1 };
    const seen: unknown[] = [];
    ask(
      (given) => {
        seen.push(given);
        return null;
      },
      { last },
    );
    expect(seen).toEqual([
      { runAfter: instant(NOW), logicalDate: instant(NOW - 3), dataInterval: { start: instant(NOW - 2), end: instant(NOW - 1) } },
    ]);
  });

  test('gives what is left out: the logical date is when the run is due, and its interval has no length', () => {
    const logicalDate = instant(NOW - HOUR_MS);
    expect(ask(() => ({ runAfter: instant(NOW), logicalDate }), { most: 1 }).runs).toEqual([
      { runAfterAt: NOW, logicalAt: NOW - HOUR_MS, intervalStartAt: NOW - HOUR_MS, intervalEndAt: NOW - HOUR_MS },
    ]);
    const dataInterval = { start: instant(NOW - 2), end: instant(NOW - 1) };
    expect(ask(() => ({ runAfter: instant(NOW), dataInterval }), { most: 1 }).runs).toEqual([
      { runAfterAt: NOW, logicalAt: NOW, intervalStartAt: NOW - 2, intervalEndAt: NOW - 1 },
    ]);
  });

  test('says where no run follows', () => {
    expect(ask((last) => (last === null ? instant(NOW) : null))).toMatchObject({ runs: [{ runAfterAt: NOW }], isExhausted: true });
  });

  test('leaves runs after the end date, which are the end', () => {
    const answer = ask(hourly, { latestAt: NOW + HOUR_MS });
    expect(due(answer)).toEqual([0, 1]);
    expect(answer.isExhausted).toBe(true);
  });

  test('of the runs that were missed gives the latest, or all where the dag catches up', () => {
    const last = lastAt(NOW - 500 * HOUR_MS);
    expect(due(ask(hourly, { last }))).toEqual([0, 1, 2]);
    expect(due(ask(hourly, { last, catchup: true }))).toEqual([-499, -498, -497]);
  });

  test.each<[string, () => unknown, string]>([
    ['throws', () => askBad(new Error('no moon')), 'the timetable of dag "tides", asked for the run after none, threw: no moon'],
    ['returns no instant', () => ask((() => '2026-01-01') as never), "returned '2026-01-01'; return a Temporal.Instant"],
    ['returns nothing', () => ask((() => undefined) as never), 'returned undefined; return a Temporal.Instant'],
    ['returns an interval that ends before it begins', () => ask(() => backwards), 'return a Temporal.Instant, { runAfter'],
    [
      'does not move on',
      () => ask(() => instant(NOW)),
      'asked for the run after 2026-11-21T10:00:00Z, returned 2026-11-21T10:00:00Z, which is not later',
    ],
    ['is not there', () => askTimetable([], { dagId: 'x' } as TimetableQuestion), 'dag "x" has no timetable of its own'],
  ])('says so of code that %s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

const backwards = { runAfter: instant(NOW), dataInterval: { start: instant(NOW), end: instant(NOW - 1) } };

function askBad(error: Error): unknown {
  return ask(() => {
    throw error;
  });
}
