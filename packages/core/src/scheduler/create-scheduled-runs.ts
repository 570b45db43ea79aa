import { decodeJson, type SerializedDag } from '@tradewind/protocol';
import { decideDueRuns } from '../model/timetables/due-runs.ts';
import type { NextRun } from '../model/timetables/next-run.ts';
import { runIdOf } from '../model/timetables/run-id.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { selectDueDags, selectScheduleOutlook, type DueDag, type ScheduleOutlook } from '../store/due-dags.ts';
import {
  advanceNextRuns,
  createScheduledDagRuns,
  forgetNextRuns,
  type ScheduledDagRun,
} from '../store/transitions/create-scheduled-dag-run.ts';

/** Most dags whose runs are created in one pass; tasks of other dags wait no longer than that. */
const MOST_DAGS = 100;
/** Most runs that one dag is given in a pass (Airflow's `max_dagruns_to_create_per_loop`). */
const MOST_RUNS_OF_DAG = 10;
/** Dags whose runs are one transaction. */
const DAGS_PER_BATCH = 50;
/** How soon a dag is looked at again that is due and at its limit of runs; the end of a run looks at once. */
const RECHECK_MS = 1_000;

/** How far the creation of scheduled runs is. */
export interface ScheduleProgress {
  /** The dag that was looked at last: the next pass goes on after it. */
  cursor: string;
  /** Whether some dag is due and at its limit of runs. */
  hasFullDags: boolean;
  /** The time of the pass that looked last. */
  lookedAt: number;
}

/** The part of the scheduler's state that this step needs. */
export interface SchedulingState {
  readonly parts: { readonly database: Database; readonly random: Random; readonly log: Log };
  /** When to look for due dags; undefined where none is known to become due. */
  nextScheduledAt: number | undefined;
  /** Whether runs may have become ready to be created or started. */
  mayStartRuns: boolean;
  readonly schedules: ScheduleProgress;
}

/** Creates the runs that are due by the clock, and finds out when to look again. */
export async function createScheduledRuns(state: SchedulingState, now: number): Promise<void> {
  const { schedules } = state;
  const isTime = state.nextScheduledAt !== undefined && now >= state.nextScheduledAt;
  if (!isTime && !(schedules.hasFullDags && state.mayStartRuns)) return;
  schedules.lookedAt = now;
  const { database } = state.parts;
  const [due] = await database.batch([selectDueDags(now, schedules.cursor, MOST_DAGS)]);
  let hasMoved = false;
  for (let index = 0; index < due.length; index += DAGS_PER_BATCH) {
    const dags = due.slice(index, index + DAGS_PER_BATCH);
    hasMoved = (await createRuns(state, dags, now)) || hasMoved;
    schedules.cursor = dags.at(-1)?.dagId ?? '';
  }
  const [[outlook]] = await database.batch([selectScheduleOutlook(now)]);
  schedules.hasFullDags = (outlook?.full ?? 0) > 0;
  state.nextScheduledAt = outlook === undefined ? now + RECHECK_MS : nextLook(outlook, { hasMoved, now });
}

/** Creates the due runs of some dags in one transaction; tells whether anything came of it. */
async function createRuns(state: SchedulingState, dags: readonly DueDag[], now: number): Promise<boolean> {
  const { database, random, log } = state.parts;
  const runs = dags.flatMap((dag) => runsOf(dag, () => random.uuid(), now));
  const decided = new Set(runs.map(({ dagId }) => dagId));
  const undecided = dags.filter(({ dagId }) => !decided.has(dagId));
  const [created, advanced, forgotten] = await database.batch([
    createScheduledDagRuns(runs, now),
    advanceNextRuns(runs),
    forgetNextRuns(undecided),
  ]);
  if (created.length > 0) {
    state.mayStartRuns = true;
    log.debug('scheduled runs were due', { dags: decided.size, created: created.length });
  }
  for (const { dagId } of forgotten)
    log.warning('nothing tells which run of a dag is due: it waits for its timetable to be asked', { dagId });
  return advanced.length + forgotten.length > 0;
}

function runsOf({ dagId, serialized, nextRunAt, lastIntervalEndAt, stock }: DueDag, newId: () => string, now: number): ScheduledDagRun[] {
  const dag = decodeJson(serialized) as unknown as SerializedDag;
  const stocked = stock === null ? undefined : (decodeJson(stock) as unknown as readonly NextRun[]);
  const runs = decideDueRuns(dag, { dueAt: nextRunAt, now, most: MOST_RUNS_OF_DAG, lastIntervalEndAt, stock: stocked });
  return runs.map((run, index) => ({ ...run, id: newId(), dagId, place: index + 1, runId: runIdOf('scheduled', run.runAfterAt) }));
}

function nextLook(outlook: ScheduleOutlook, { hasMoved, now }: { readonly hasMoved: boolean; readonly now: number }): number | undefined {
  const nextDueAt = outlook.nextDueAt ?? undefined;
  if (outlook.ready > 0 && hasMoved) return now;
  if (outlook.ready === 0 && outlook.full === 0) return nextDueAt;
  return Math.min(now + RECHECK_MS, nextDueAt ?? Number.POSITIVE_INFINITY);
}
