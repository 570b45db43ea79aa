import { decodeJson, type JsonObject, type SerializedDag, type SerializedDeadline, type SerializedSchedule } from '@tradewind/protocol';
import { callbackContextOf, paramsOfRun } from '../model/callbacks.ts';
import { decideDeadlines, decideExpectedDeadlines, type ExpectedDeadline, type Runtimes } from '../model/deadlines.ts';
import { runIdOf } from '../model/timetables/run-id.ts';
import { wakeOthers } from '../store/database.ts';
import {
  missDeadlines,
  missDeadlinesOfExpectedRuns,
  requestDeadlineCallbacks,
  selectDagsWithDeadlines,
  selectDueDeadlines,
  selectNextDeadline,
  type DagWithDeadlines,
  type DueDeadline,
} from '../store/transitions/miss-deadlines.ts';
import {
  areDeadlinesUsed,
  noteDeadlinesWritten,
  pruneDeadlines,
  selectRecentRuntimes,
  selectRunsWithoutDeadlines,
  writeDeadlines,
  type RunWithoutDeadlines,
} from '../store/transitions/write-deadlines.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TickPlan } from './tick-plan.ts';
import type { TickStatement } from './tick-statement.ts';

/** Who reads the tables anew, and who was woken, looks at deadlines again. */
export function expectDeadlines({ deadlineWatch }: SchedulerState, hasForgotten = false): void {
  deadlineWatch.mayHaveChanged = true;
  if (hasForgotten) deadlineWatch.areUsed = undefined;
}

/** When a pass must look at deadlines although nobody woke it. */
export function nextDeadlineLook({ deadlineWatch: { areUsed, mayHaveChanged, nextAt } }: SchedulerState): number {
  if (areUsed === false) return Number.POSITIVE_INFINITY;
  return mayHaveChanged ? 0 : nextAt;
}

/** Most runs whose deadlines are written, and deadlines that are missed, in one go; the rest follow in the next passes. */
const MOST_AT_ONCE = 200;

/** The part of a tick that takes away the deadlines of runs that succeeded in time. In the transaction of the success, after it. */
export function deadlineStatements({ now, finishedRuns }: TickPlan): TickStatement[] {
  const met = finishedRuns.filter(({ run, state }) => state === 'success' && run.graph.dag.deadlines !== undefined);
  if (met.length === 0) return [];
  return [
    {
      step: 'deadlines',
      statement: pruneDeadlines(
        now,
        met.map(({ run }) => run.row.id),
      ),
    },
  ];
}

/**
 * Writes the deadlines of runs that were created or cleared, whoever did that, and tells of those that have passed: of runs that go on, that failed, and of runs that should exist by now and do not. Comes
 * after the tick, so that no task waits for it, and does nothing where no dag has deadlines.
 */
export async function watchDeadlines(state: SchedulerState, now: number): Promise<void> {
  const { deadlineWatch: watch, parts } = state;
  if (watch.areUsed === false || (!watch.mayHaveChanged && now < watch.nextAt)) return;
  if (watch.areUsed === undefined) {
    const [[used]] = await parts.database.batch([areDeadlinesUsed()]);
    watch.areUsed = used !== undefined;
    if (!watch.areUsed) return;
  }
  const isWritten = await writeMissing(state, now);
  const isTold = await missDue(state, now);
  const expectedAt = await missExpected(state, now);
  const [[next]] = await parts.database.batch([selectNextDeadline()]);
  watch.mayHaveChanged = !isWritten || !isTold;
  watch.nextAt = Math.min(next?.at ?? Number.POSITIVE_INFINITY, expectedAt);
}

/** Returns whether none is left to be written. */
async function writeMissing({ parts: { database } }: SchedulerState, now: number): Promise<boolean> {
  const [runs] = await database.batch([selectRunsWithoutDeadlines(MOST_AT_ONCE)]);
  if (runs.length === 0) return true;
  const parsed = runs.map((run) => ({ run, deadlines: decodeJson(run.deadlines) as unknown as readonly SerializedDeadline[] }));
  const wanted = parsed.flatMap(({ run: { dagId }, deadlines }) =>
    deadlines.flatMap(({ reference }) => (reference.kind === 'average_runtime' ? [{ dagId, maxRuns: reference.maxRuns }] : [])),
  );
  const [recent] = wanted.length === 0 ? [[]] : await database.batch([selectRecentRuntimes(distinct(wanted))]);
  const runtimes = new Map(recent.map((one) => [`${one.dagId}\n${one.maxRuns}`, one]));
  const none: Runtimes = { runs: 0, averageMs: null };
  const written = parsed.flatMap(({ run, deadlines }) =>
    decideDeadlines(run, deadlines, (maxRuns) => runtimes.get(`${run.dagId}\n${maxRuns}`) ?? none).map((deadline) => ({
      ...deadline,
      dagRunId: run.id,
      logicalAt: run.logicalAt,
    })),
  );
  const seen = runs.map(({ id, clearNumber }: RunWithoutDeadlines) => ({ id, clearNumber }));
  await database.batch([writeDeadlines(now, seen, written), noteDeadlinesWritten(seen)]);
  return runs.length < MOST_AT_ONCE;
}

/** Returns whether none is left to be told of. */
async function missDue({ parts: { database, log, onWaiting } }: SchedulerState, now: number): Promise<boolean> {
  const [, due] = await database.batch([pruneDeadlines(now, null), selectDueDeadlines(now, MOST_AT_ONCE)]);
  if (due.length === 0) return true;
  const requests = due.map((deadline) => ({ deadlineId: deadline.id, context: contextOfDue(deadline) }));
  const ids = due.map(({ id }) => id);
  const [missed] = await database.batch([missDeadlines(now, ids), requestDeadlineCallbacks(now, requests), wakeOthers]);
  const told = new Set(missed.map(({ id }) => id));
  for (const { id, dagId, runId, name } of due)
    if (told.has(id)) log.warning('a run has missed its deadline', { dagId, runId, deadline: name });
  if (missed.length > 0) onWaiting?.();
  return due.length < MOST_AT_ONCE;
}

/** Tells of runs that should exist by now. Returns when the next one should have ended. */
async function missExpected({ parts: { database, log, onWaiting } }: SchedulerState, now: number): Promise<number> {
  const [dags] = await database.batch([selectDagsWithDeadlines()]);
  const expected = dags.flatMap((dag) => expectedOf(dag).map((deadline) => ({ dag, deadline })));
  const passed = expected.filter(({ deadline }) => deadline.dueAt <= now);
  if (passed.length > 0) {
    const rows = passed.map(({ dag, deadline: { id, name, dueAt, run } }) => ({
      id,
      dagId: dag.dagId,
      logicalAt: run.logicalAt,
      expectedNextRunAt: dag.nextRunAt,
      name,
      dueAt,
    }));
    const requests = passed.map(({ dag, deadline }) => ({ deadlineId: deadline.id, context: contextOfExpected(dag, deadline) }));
    const [missed] = await database.batch([missDeadlinesOfExpectedRuns(now, rows), requestDeadlineCallbacks(now, requests), wakeOthers]);
    for (const { id } of missed) log.warning('a run that should exist was not created, and has missed its deadline', { deadline: id });
    if (missed.length > 0) onWaiting?.();
  }
  return Math.min(Number.POSITIVE_INFINITY, ...expected.map(({ deadline }) => deadline.dueAt).filter((dueAt) => dueAt > now));
}

function expectedOf(dag: DagWithDeadlines): readonly ExpectedDeadline[] {
  const schedule = decodeJson(dag.schedule) as unknown as SerializedSchedule;
  return decideExpectedDeadlines(dag, schedule, decodeJson(dag.deadlines) as unknown as readonly SerializedDeadline[]);
}

function contextOfDue(due: DueDeadline): string {
  const { params } = decodeJson(due.serialized) as unknown as SerializedDag;
  const subject = { of: 'deadline', name: due.name, dueAt: new Date(due.dueAt).toISOString(), runExists: true } as const;
  return JSON.stringify(callbackContextOf(due, paramsOfRun(params, due.conf), subject));
}

/** Its params are those of a run that nobody gave any: the defaults. */
function contextOfExpected(dag: DagWithDeadlines, { name, dueAt, run }: ExpectedDeadline): string {
  const subject = { of: 'deadline', name, dueAt: new Date(dueAt).toISOString(), runExists: false } as const;
  const named = { ...run, dagId: dag.dagId, runId: runIdOf('scheduled', run.runAfterAt) };
  return JSON.stringify(
    callbackContextOf(named, paramsOfRun(decodeJson(dag.params) as Readonly<Record<string, JsonObject>>, '{}'), subject),
  );
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
