import { defineStatement } from '../database.ts';

/** A run that a timetable asks for, and when the one after it is due. */
export interface ScheduledDagRun {
  readonly id: string;
  readonly dagId: string;
  readonly runId: string;
  readonly logicalAt: number;
  readonly intervalStartAt: number;
  readonly intervalEndAt: number;
  readonly runAfterAt: number;
  /** The due time that the decision was made from. */
  readonly expectedNextRunAt: number;
  readonly nextRunAt: number | null;
}

/** The part of the guard that both statements share: the dag is due at the expected time, on, and below its limit. */
const IS_DUE = `
  dag.dag_id = $1 and dag.next_run_at = $2 and dag.is_paused = 0 and dag.is_stale = 0
  and (select count(*) from dag_run as active where active.dag_id = dag.dag_id and active.state in ('queued', 'running')) < dag.max_active_runs`;

/**
 * (absent) → queued.
 *
 * Called when a dag's next run is due. Refuses while the dag has `max_active_runs` unfinished runs, as Airflow does; the due time then stays and is tried again.
 * Run twice: the due time has moved on, and (dag, logical date) is unique.
 */
export const createScheduledDagRun = defineStatement<{ id: string }, [run: ScheduledDagRun, now: number]>(
  'create_scheduled_dag_run',
  () => `
    insert into dag_run
      (id, dag_id, run_id, run_type, state, triggered_by, conf, logical_at, interval_start_at, interval_end_at, run_after_at, queued_at,
       dag_version_id, bundle_version)
    select $3, dag.dag_id, $4, 'scheduled', 'queued', 'timetable', '{}', $5, $6, $7, $8, $9, dag.dag_version_id, dag.bundle_version
    from dag
    where ${IS_DUE}
    on conflict do nothing
    returning id`,
  (run, now) => [
    run.dagId,
    run.expectedNextRunAt,
    run.id,
    run.runId,
    run.logicalAt,
    run.intervalStartAt,
    run.intervalEndAt,
    run.runAfterAt,
    now,
  ],
);

/**
 * Moves a dag's due time on, after `createScheduledDagRun` in the same transaction. It moves where the run exists now, so a slot that somebody filled by
 * hand is passed over and a run that was refused for the limit is tried again.
 */
export const advanceNextRun = defineStatement<{ dagId: string }, [run: ScheduledDagRun]>(
  'advance_next_run',
  () => `
    update dag set next_run_at = $3
    where dag_id = $1 and next_run_at = $2
      and exists (select 1 from dag_run where dag_run.dag_id = dag.dag_id and dag_run.logical_at = $4)
    returning dag_id as "dagId"`,
  (run) => [run.dagId, run.expectedNextRunAt, run.nextRunAt, run.logicalAt],
);
