import type { DagRunState } from '@tradewind/protocol';
import type { BackfillExceptionReason, ReprocessBehavior } from '../../model/backfill/backfill.ts';
import { defineStatement } from '../database.ts';

/** A backfill that may have runs to be made. */
export interface ActiveBackfill {
  readonly id: number;
  readonly dagId: string;
  readonly reprocessBehavior: ReprocessBehavior;
  readonly runOnLatestVersion: number;
  /** The version that the dag is on now. */
  readonly currentVersionId: string;
  /** How many more of its runs may be queued or running. */
  readonly room: number;
}

/** Runs of a backfill that have not ended; only they count against its limit. */
const UNFINISHED = `
  (select count(*) from dag_run as active where active.backfill_id = backfill.id and active.state in ('queued', 'running'))`;

/** The backfills that are active, on, and of a dag that is on and can be read. */
export const selectActiveBackfills = defineStatement<ActiveBackfill, []>(
  'select_active_backfills',
  () => `
    select backfill.id as id, backfill.dag_id as "dagId", backfill.reprocess_behavior as "reprocessBehavior",
      backfill.run_on_latest_version as "runOnLatestVersion", dag.dag_version_id as "currentVersionId",
      backfill.max_active_runs - ${UNFINISHED} as room
    from backfill
    join dag on dag.dag_id = backfill.dag_id
    where backfill.completed_at is null and backfill.is_paused = 0 and dag.is_paused = 0 and dag.is_stale = 0
      and not exists (select 1 from import_error where import_error.path = dag.file)
    order by backfill.id`,
  () => [],
);

/** A date of a backfill that nothing was decided about yet, with the run that the date has already. */
export interface PendingBackfillDate {
  readonly sortOrdinal: number;
  readonly logicalAt: number;
  readonly intervalStartAt: number;
  readonly intervalEndAt: number;
  readonly runAfterAt: number;
  readonly existingId: string | null;
  readonly existingState: DagRunState | null;
  readonly existingRevision: number | null;
  readonly existingVersionId: string | null;
}

/** The next dates of a backfill, in the order in which their runs are made. */
export const selectPendingBackfillDates = defineStatement<PendingBackfillDate, [backfillId: number, most: number]>(
  'select_pending_backfill_dates',
  () => `
    select date.sort_ordinal as "sortOrdinal", date.logical_at as "logicalAt", date.interval_start_at as "intervalStartAt",
      date.interval_end_at as "intervalEndAt", date.run_after_at as "runAfterAt", existing.id as "existingId",
      existing.state as "existingState", existing.revision as "existingRevision", existing.dag_version_id as "existingVersionId"
    from (
      select * from backfill_dag_run
      where backfill_id = $1 and dag_run_id is null and exception_reason is null
      order by sort_ordinal
      limit $2
    ) as date
    join backfill on backfill.id = date.backfill_id
    left join dag_run as existing on existing.dag_id = backfill.dag_id and existing.logical_at = date.logical_at
    order by date.sort_ordinal`,
  (backfillId, most) => [backfillId, most],
);

/** Locks a backfill, so that of two schedulers each counts the other's runs. First of the statements that advance one. */
export const lockBackfill = defineStatement<never, [backfillId: number]>(
  'lock_backfill',
  (d) => `select id from backfill where id = $1 ${d.forUpdate}`,
  (backfillId) => [backfillId],
);

/** A run that a backfill makes. */
export interface NewBackfillRun {
  readonly id: string;
  readonly runId: string;
  readonly sortOrdinal: number;
  /** Among the runs that are made together, from 1. */
  readonly place: number;
}

/**
 * (absent) → queued.
 *
 * Called where a backfill has room for more of its runs. Refused where it was paused, cancelled or filled meanwhile, or its date was decided. A run is on the
 * version that the dag has now, or had when the backfill was created. Locks the backfill (`lockBackfill`). Run twice: (dag, logical date) is unique.
 */
export const createBackfillRuns = defineStatement<{ id: string }, [backfillId: number, runs: readonly NewBackfillRun[], now: number]>(
  'create_backfill_runs',
  (d) => `
    insert into dag_run
      (id, dag_id, run_id, run_type, state, triggered_by, triggering_user, conf, logical_at, interval_start_at, interval_end_at, run_after_at,
       queued_at, dag_version_id, bundle_version, backfill_id)
    select given.id, dag.dag_id, given.run_id, 'backfill', 'queued', 'backfill', backfill.triggering_user, coalesce(backfill.conf, '{}'),
      date.logical_at, date.interval_start_at, date.interval_end_at, date.run_after_at, $3,
      case when backfill.run_on_latest_version = 1 then dag.dag_version_id else backfill.dag_version_id end,
      case when backfill.run_on_latest_version = 1 then dag.bundle_version else backfill.bundle_version end,
      backfill.id
    from ${d.rows('$2', 'given', { id: 'text', run_id: 'text', sort_ordinal: 'bigint', place: 'bigint' })}
    join backfill on backfill.id = $1
    join dag on dag.dag_id = backfill.dag_id
    join backfill_dag_run as date on date.backfill_id = backfill.id and date.sort_ordinal = given.sort_ordinal
    where date.dag_run_id is null and date.exception_reason is null and ${IS_ADVANCING}
      and given.place <= backfill.max_active_runs - ${UNFINISHED}
    on conflict do nothing
    returning id`,
  (backfillId, runs, now) => [
    backfillId,
    JSON.stringify(runs.map(({ id, runId, sortOrdinal, place }) => ({ id, run_id: runId, sort_ordinal: sortOrdinal, place }))),
    now,
  ],
);

/** The guard that every change of an advancing backfill restates. */
export const IS_ADVANCING = `backfill.completed_at is null and backfill.is_paused = 0 and dag.is_paused = 0 and dag.is_stale = 0`;

/** What became of a date. */
export interface DecidedBackfillDate {
  readonly sortOrdinal: number;
  /** The run that was made for it or is run again; null where there is none. */
  readonly dagRunId: string | null;
  /** The run id that was wanted, to tell whether somebody else has it; null where none was. */
  readonly runId: string | null;
  readonly reason: BackfillExceptionReason | null;
}

/**
 * pending → with a run, or with the reason why there is none.
 *
 * After the statements that make the runs, in the same transaction. A date stays pending where its run was refused for want of room; where another run has its run id, the
 * reason is `unknown`. Run twice: the date is decided.
 */
export const decideBackfillDates = defineStatement<{ sortOrdinal: number }, [backfillId: number, dates: readonly DecidedBackfillDate[]]>(
  'decide_backfill_dates',
  (d) => `
    update backfill_dag_run
    set dag_run_id = case when ${hasItsRun()} then given.dag_run_id end,
      exception_reason = case when ${hasItsRun()} then null else coalesce(given.reason, 'unknown') end
    from ${d.rows('$2', 'given', { sort_ordinal: 'bigint', dag_run_id: 'text', run_id: 'text', reason: 'text' })}
    where backfill_dag_run.backfill_id = $1 and backfill_dag_run.sort_ordinal = given.sort_ordinal
      and backfill_dag_run.dag_run_id is null and backfill_dag_run.exception_reason is null
      and (${hasItsRun()} or given.reason is not null or exists (
        select 1 from dag_run as other join backfill on backfill.dag_id = other.dag_id
        where backfill.id = $1 and other.run_id = given.run_id and (other.logical_at is null or other.logical_at <> backfill_dag_run.logical_at)
      ))
    returning backfill_dag_run.sort_ordinal as "sortOrdinal"`,
  (backfillId, dates) => [
    backfillId,
    JSON.stringify(
      dates.map(({ sortOrdinal, dagRunId, runId, reason }) => ({ sort_ordinal: sortOrdinal, dag_run_id: dagRunId, run_id: runId, reason })),
    ),
  ],
);

function hasItsRun(): string {
  return `exists (select 1 from dag_run where dag_run.id = given.dag_run_id and dag_run.backfill_id = $1)`;
}

/**
 * Active → completed.
 *
 * Called in each round. A backfill is over when each of its dates is decided and none of its runs is queued or running. Run twice: it is completed.
 */
export const completeBackfills = defineStatement<{ id: number; dagId: string }, [now: number]>(
  'complete_backfills',
  () => `
    update backfill set completed_at = $1, updated_at = $1
    where completed_at is null and ${UNFINISHED} = 0
      and not exists (
        select 1 from backfill_dag_run as date
        where date.backfill_id = backfill.id and date.dag_run_id is null and date.exception_reason is null
      )
    returning id, dag_id as "dagId"`,
  (now) => [now],
);
