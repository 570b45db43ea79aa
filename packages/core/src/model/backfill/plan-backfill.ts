import { timetableOf, type DagRunState, type SerializedDag } from '@tradewind/protocol';
import type { NextRun } from '../timetables/next-run.ts';
import { createTicks, isTicking, type TickingTimetable } from '../timetables/ticks.ts';
import type { BackfillExceptionReason, ReprocessBehavior } from './backfill.ts';

/** More dates than this are several backfills. */
export const MAX_BACKFILL_RUNS = 100_000;

/** The stretch of the past that is filled. Times are milliseconds since the epoch. */
export interface BackfillRange {
  readonly fromAt: number;
  /** Included. */
  readonly toAt: number;
  readonly isBackwards: boolean;
  readonly reprocessBehavior: ReprocessBehavior;
}

/** The dates of a backfill in the order of their time, or why there is none. */
export type BackfillPlan =
  | { readonly ok: true; readonly runs: readonly NextRun[] }
  /** `conflict`: the dag takes no backfill; `invalid`: this one. */
  | { readonly ok: false; readonly problem: 'conflict' | 'invalid'; readonly message: string };

/**
 * Decides which runs a backfill of a dag has: those of its timetable whose logical date lies within the range and that are due by now (Airflow's rules,
 * `models/backfill.py`). Start and end date of the dag do not count.
 */
export function planBackfill(dag: SerializedDag, range: BackfillRange, now: number): BackfillPlan {
  const timetable = timetableOf(dag.schedule);
  if (timetable === undefined) return refuse('conflict', `${dag.dagId} has no schedule`);
  if (!isTicking(timetable)) {
    return refuse('conflict', `${dag.dagId} does not support backfill: its schedule cannot tell which runs it had in the past`);
  }
  if (dag.allowedRunTypes !== undefined && !dag.allowedRunTypes.includes('backfill')) {
    return refuse('conflict', `${dag.dagId} takes no backfill: its allowedRunTypes are ${dag.allowedRunTypes.join(', ')}`);
  }
  const problem = findRangeProblem(dag, range, now);
  if (problem !== undefined) return refuse('invalid', problem);
  const runs = listRuns(timetable, range, now);
  if (runs.length <= MAX_BACKFILL_RUNS) return { ok: true, runs };
  return refuse(
    'invalid',
    `there are more than ${MAX_BACKFILL_RUNS} runs from from_date to to_date; make several backfills of shorter ranges`,
  );
}

function findRangeProblem(
  dag: SerializedDag,
  { fromAt, toAt, isBackwards, reprocessBehavior }: BackfillRange,
  now: number,
): string | undefined {
  if (fromAt > toAt) return 'to_date must not be before from_date';
  if (fromAt > now) return 'Backfill cannot be executed for future dates.';
  if (!dag.tasks.some(({ dependsOnPast }) => dependsOnPast)) return undefined;
  if (isBackwards) return 'Backfill cannot be run in reverse when the DAG has tasks where depends_on_past=True.';
  if (reprocessBehavior === 'none') {
    return "The DAG has tasks for which depends_on_past=True. You must set reprocess behavior to reprocess 'completed' or reprocess 'failed'.";
  }
  return undefined;
}

/** Stops one after the most that there may be. */
function listRuns(timetable: TickingTimetable, { fromAt, toAt }: BackfillRange, now: number): NextRun[] {
  const ticks = createTicks(timetable);
  const isInterval = timetable.kind === 'cron_interval' || timetable.kind === 'delta_interval';
  const intervalMs = 'intervalMs' in timetable ? (timetable.intervalMs ?? 0) : 0;
  const runs: NextRun[] = [];
  let at = ticks.nextAtOrAfter(fromAt);
  while (at !== undefined && at <= toAt && runs.length <= MAX_BACKFILL_RUNS) {
    const next = ticks.nextAfter(at);
    const endAt = isInterval ? next : at;
    if (endAt === undefined || endAt > now) break;
    runs.push({ logicalAt: at, runAfterAt: endAt, intervalStartAt: at - (isInterval ? 0 : intervalMs), intervalEndAt: endAt });
    at = next;
  }
  return runs;
}

function refuse(problem: 'conflict' | 'invalid', message: string): BackfillPlan {
  return { ok: false, problem, message };
}

/** What a backfill does with a date. */
export type BackfillDateDecision = 'create' | 'reprocess' | Exclude<BackfillExceptionReason, 'unknown'>;

/**
 * Decides what a backfill does with a date, given the state of the run that the date has already: one that is under way is left alone, whatever the behavior.
 * @param state undefined where there is no run
 */
export function decideBackfillDate(state: DagRunState | undefined, behavior: ReprocessBehavior): BackfillDateDecision {
  if (state === undefined) return 'create';
  if (state !== 'success' && state !== 'failed') return 'in flight';
  if (behavior === 'completed' || (behavior === 'failed' && state === 'failed')) return 'reprocess';
  return 'already exists';
}
