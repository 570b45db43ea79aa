import type { TimetableAnswer, TimetableQuestion, TimetableRunTimes } from '@tradewind/protocol';
import type { DagDefinition } from '../authoring/definition.ts';
import { showValue } from '../authoring/show-value.ts';
import type { TimetableBounds, TimetableCode, TimetableRun } from '../authoring/timetable.ts';

/**
 * Calls the code of a dag's timetable for one run after the other.
 * @throws Error naming the dag, where it has no timetable of its own, and where the code throws or returns what is no run
 */
export function askTimetable(dags: readonly DagDefinition[], question: TimetableQuestion): TimetableAnswer {
  const { dagId, most } = question;
  const code = dags.find((dag) => dag.dagId === dagId)?.timetable;
  if (code === undefined) throw new Error(`dag "${dagId}" has no timetable of its own when its file is read again`);
  const bounds = boundsOf(question);
  const runs: TimetableRunTimes[] = [];
  let last = question.last === null ? null : toRun(question.last);
  while (runs.length < most) {
    const next = callNext(code, { dagId, last, bounds });
    if (next === null || isAfterEnd(next, question)) return { type: 'timetable', runs, isExhausted: true };
    const run = { logicalDate: next.runAfter, ...next };
    last = { dataInterval: { start: run.logicalDate, end: run.logicalDate }, ...run };
    const times = toTimes(last);
    // Of runs that were missed only the latest is wanted, unless the dag catches up.
    if (!question.catchup && times.runAfterAt <= question.now) runs.length = 0;
    runs.push(times);
  }
  return { type: 'timetable', runs, isExhausted: false };
}

function isAfterEnd({ runAfter }: TimetableRun, { latestAt }: TimetableQuestion): boolean {
  return latestAt !== null && runAfter.epochMilliseconds > latestAt;
}

interface Call {
  readonly dagId: string;
  readonly last: Required<TimetableRun> | null;
  readonly bounds: TimetableBounds;
}

function callNext(code: TimetableCode, { dagId, last, bounds }: Call): TimetableRun | null {
  const where = `the timetable of dag "${dagId}", asked for the run after ${last === null ? 'none' : last.runAfter.toString()},`;
  let answer: unknown;
  try {
    answer = code.next(last, bounds);
  } catch (cause) {
    throw new Error(`${where} threw: ${cause instanceof Error ? cause.message : showValue(cause)}`, { cause });
  }
  if (answer === null) return null;
  const run = readRun(answer);
  if (run === undefined) {
    throw new Error(`${where} returned ${showValue(answer)}; return a Temporal.Instant, { runAfter, logicalDate, dataInterval }, or null`);
  }
  if (last !== null && Temporal.Instant.compare(run.runAfter, last.runAfter) <= 0) {
    throw new Error(`${where} returned ${run.runAfter.toString()}, which is not later; each run must be due after the one before`);
  }
  return run;
}

function readRun(answer: unknown): TimetableRun | undefined {
  if (answer instanceof Temporal.Instant) return { runAfter: answer };
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { runAfter, logicalDate, dataInterval } = answer as { readonly [Key in keyof TimetableRun]?: unknown };
  if (!(runAfter instanceof Temporal.Instant)) return undefined;
  if (logicalDate !== undefined && !(logicalDate instanceof Temporal.Instant)) return undefined;
  const interval = readInterval(dataInterval);
  if (dataInterval !== undefined && interval === undefined) return undefined;
  return {
    runAfter,
    ...(logicalDate === undefined ? {} : { logicalDate }),
    ...(interval === undefined ? {} : { dataInterval: interval }),
  };
}

function readInterval(value: unknown): TimetableRun['dataInterval'] {
  const { start, end } = (value ?? {}) as { readonly start?: unknown; readonly end?: unknown };
  if (!(start instanceof Temporal.Instant) || !(end instanceof Temporal.Instant)) return undefined;
  return Temporal.Instant.compare(start, end) <= 0 ? { start, end } : undefined;
}

function boundsOf({ now, earliestAt, latestAt, catchup }: TimetableQuestion): TimetableBounds {
  return Object.freeze({
    now: instantOf(now),
    earliest: earliestAt === null ? null : instantOf(earliestAt),
    latest: latestAt === null ? null : instantOf(latestAt),
    catchup,
  });
}

function toRun({ logicalAt, runAfterAt, intervalStartAt, intervalEndAt }: TimetableRunTimes): Required<TimetableRun> {
  return {
    runAfter: instantOf(runAfterAt),
    logicalDate: instantOf(logicalAt),
    dataInterval: { start: instantOf(intervalStartAt), end: instantOf(intervalEndAt) },
  };
}

function toTimes({ runAfter, logicalDate, dataInterval }: Required<TimetableRun>): TimetableRunTimes {
  return {
    logicalAt: logicalDate.epochMilliseconds,
    runAfterAt: runAfter.epochMilliseconds,
    intervalStartAt: dataInterval.start.epochMilliseconds,
    intervalEndAt: dataInterval.end.epochMilliseconds,
  };
}

function instantOf(ms: number): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(ms);
}
