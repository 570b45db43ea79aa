import { decodeJson, type SerializedDag } from '@tradewind/protocol';
import { decideNextRun } from '../model/timetables/next-run.ts';
import { selectDueDags, selectNextDueAt } from '../store/active-runs.ts';
import { advanceNextRun, createScheduledDagRun, type ScheduledDagRun } from '../store/transitions/create-scheduled-dag-run.ts';
import type { SchedulerState } from './scheduler-state.ts';

/** Most dags whose runs are created in one go. */
const MOST_DAGS = 100;
/** How soon a dag is looked at again that is due and at its limit of runs; the end of a run looks at once. */
const RECHECK_MS = 1_000;

/** Creates the runs that are due by the clock, and finds out when the next one is. */
export async function createScheduledRuns(state: SchedulerState, now: number): Promise<void> {
  if (state.nextScheduledAt === undefined || now < state.nextScheduledAt) return;
  const { database, random, log } = state.parts;
  const [due] = await database.batch([selectDueDags(now, MOST_DAGS)]);
  let waiting = 0;
  for (const { dagId, nextRunAt, serialized } of due) {
    const dag = decodeJson(serialized) as unknown as SerializedDag;
    const run = scheduledRun(dag, { dueAt: nextRunAt, now, id: random.uuid() });
    const [created, advanced] = await database.batch([createScheduledDagRun(run, now), advanceNextRun(run)]);
    if (created.length > 0) state.mayStartRuns = true;
    if (advanced.length === 0) waiting += 1;
    log.debug('a scheduled run was due', { dagId, runId: run.runId, created: created.length });
  }
  const [[next]] = await database.batch([selectNextDueAt(now)]);
  state.nextScheduledAt = nextLook({
    hasMore: due.length === MOST_DAGS && waiting < MOST_DAGS,
    waiting,
    nextDueAt: next?.at ?? undefined,
    now,
  });
}

function scheduledRun(dag: SerializedDag, { dueAt, now, id }: { dueAt: number; now: number; id: string }): ScheduledDagRun {
  const { schedule, catchup, startDate, endDate } = dag;
  const bounds = { ...(startDate === undefined ? {} : { startDate }), ...(endDate === undefined ? {} : { endDate }) };
  const next = decideNextRun({ schedule, catchup, ...bounds, lastLogicalAt: dueAt, now });
  return {
    id,
    dagId: dag.dagId,
    runId: `scheduled__${new Date(dueAt).toISOString().replace('.000Z', 'Z')}`,
    logicalAt: dueAt,
    intervalStartAt: dueAt,
    intervalEndAt: dueAt,
    runAfterAt: dueAt,
    expectedNextRunAt: dueAt,
    nextRunAt: next?.runAfterAt ?? null,
  };
}

function nextLook(seen: { hasMore: boolean; waiting: number; nextDueAt: number | undefined; now: number }): number | undefined {
  if (seen.hasMore) return seen.now;
  if (seen.waiting === 0) return seen.nextDueAt;
  return Math.min(seen.now + RECHECK_MS, seen.nextDueAt ?? Number.POSITIVE_INFINITY);
}
