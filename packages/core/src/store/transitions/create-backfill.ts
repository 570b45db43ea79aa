import type { DagRunTriggeredBy } from '@tradewind/protocol';
import type { ReprocessBehavior } from '../../model/backfill/backfill.ts';
import type { NextRun } from '../../model/timetables/next-run.ts';
import { defineStatement, wakeOthers, type Database } from '../database.ts';

/** A backfill that somebody asks for. Times are milliseconds since the epoch. */
export interface NewBackfill {
  readonly requestId: string;
  readonly dagId: string;
  readonly fromAt: number;
  readonly toAt: number;
  /** JSON object, checked against the params of `dagVersionId`; null for none. */
  readonly conf: string | null;
  readonly isBackwards: boolean;
  readonly reprocessBehavior: ReprocessBehavior;
  readonly maxActiveRuns: number;
  readonly runOnLatestVersion: boolean;
  /** The version that the caller looked at. */
  readonly dagVersionId: string;
  readonly triggeredBy: DagRunTriggeredBy;
  readonly triggeringUser: string | null;
  /** In the order in which they are to be made. */
  readonly runs: readonly NextRun[];
}

/** What became of the wish. */
export type CreateBackfillOutcome =
  | { readonly outcome: 'created'; readonly id: number }
  | { readonly outcome: 'unknown_dag' | 'stale_dag' | 'already_running' | 'dag_changed' };

/** Rows of one statement: more make its JSON text unwieldy. */
const DATES_PER_STATEMENT = 10_000;

/**
 * (absent) → active, with a row for each of its dates.
 *
 * Called by the API and the command line. Locks nothing: a dag has one active backfill, which an index says, so of two that ask at once one is told so. Its dates were
 * decided from the version that the caller looked at; if that is no longer the current one, nothing happens and the caller looks again. Run twice: the dag has an
 * active backfill already. The scheduler makes the runs.
 */
export async function createBackfill(database: Database, backfill: NewBackfill, now: number): Promise<CreateBackfillOutcome> {
  const chunks = Array.from({ length: Math.ceil(backfill.runs.length / DATES_PER_STATEMENT) }, (_, index) =>
    insertBackfillDates(backfill, index * DATES_PER_STATEMENT),
  );
  const [created, [dag]] = await database.batch([
    insertBackfill(backfill, now),
    selectBackfillRefusal(backfill),
    ...chunks,
    wakeOthers,
  ] as const);
  const [row] = created;
  if (row !== undefined) return { outcome: 'created', id: row.id };
  if (dag === undefined) return { outcome: 'unknown_dag' };
  if (dag.isStale === 1) return { outcome: 'stale_dag' };
  return { outcome: dag.active > 0 ? 'already_running' : 'dag_changed' };
}

const insertBackfill = defineStatement<{ id: number }, [backfill: NewBackfill, now: number]>(
  'insert_backfill',
  () => `
    insert into backfill
      (request_id, dag_id, from_at, to_at, conf, is_paused, is_backwards, reprocess_behavior, max_active_runs, run_on_latest_version,
       dag_version_id, bundle_version, triggered_by, triggering_user, created_at, updated_at)
    select $1, dag.dag_id, $2, $3, $4, 0, $5, $6, $7, $8, dag.dag_version_id, dag.bundle_version, $9, $10, $11, $11
    from dag
    where dag.dag_id = $12 and dag.dag_version_id = $13 and dag.is_stale = 0
    on conflict do nothing
    returning id`,
  (backfill, now) => [
    backfill.requestId,
    backfill.fromAt,
    backfill.toAt,
    backfill.conf,
    Number(backfill.isBackwards),
    backfill.reprocessBehavior,
    backfill.maxActiveRuns,
    Number(backfill.runOnLatestVersion),
    backfill.triggeredBy,
    backfill.triggeringUser,
    now,
    backfill.dagId,
    backfill.dagVersionId,
  ],
);

/** Why `insertBackfill` of the same transaction may have inserted nothing. */
const selectBackfillRefusal = defineStatement<{ isStale: number; active: number }, [backfill: NewBackfill]>(
  'select_backfill_refusal',
  () => `
    select dag.is_stale as "isStale",
      (select count(*) from backfill where backfill.dag_id = dag.dag_id and backfill.completed_at is null and backfill.request_id <> $2) as active
    from dag
    where dag.dag_id = $1`,
  ({ dagId, requestId }) => [dagId, requestId],
);

const insertBackfillDates = defineStatement<never, [backfill: NewBackfill, from: number]>(
  'insert_backfill_dates',
  (d) => `
    insert into backfill_dag_run (backfill_id, sort_ordinal, logical_at, interval_start_at, interval_end_at, run_after_at)
    select backfill.id, given.place, given.logical_at, given.interval_start_at, given.interval_end_at, given.run_after_at
    from backfill
    join ${d.rows('$2', 'given', {
      place: 'bigint',
      logical_at: 'bigint',
      interval_start_at: 'bigint',
      interval_end_at: 'bigint',
      run_after_at: 'bigint',
    })} on 1 = 1
    where backfill.request_id = $1`,
  ({ requestId, runs }, from) => [
    requestId,
    JSON.stringify(
      runs.slice(from, from + DATES_PER_STATEMENT).map((run, index) => ({
        place: from + index + 1,
        logical_at: run.logicalAt,
        interval_start_at: run.intervalStartAt,
        interval_end_at: run.intervalEndAt,
        run_after_at: run.runAfterAt,
      })),
    ),
  ],
);
