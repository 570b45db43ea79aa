import type { DagRunType } from '@tradewind/protocol';
import { defineStatement } from '../database.ts';

/** A run that a scheduler now holds. Times are milliseconds since the epoch. */
export interface ActiveDagRun {
  readonly id: string;
  readonly dagId: string;
  readonly runId: string;
  readonly runType: DagRunType;
  /** JSON object. */
  readonly conf: string;
  readonly logicalAt: number | null;
  readonly intervalStartAt: number | null;
  readonly intervalEndAt: number | null;
  readonly runAfterAt: number;
  readonly startedAt: number | null;
  readonly dagVersionId: string;
  readonly bundleVersion: string;
  readonly revision: number;
  /** How the run is to end whatever its tasks say, because somebody has marked it. */
  readonly markedState: 'success' | 'failed' | null;
}

/** What a statement returns of a run that was taken. */
export const ACTIVE_DAG_RUN_COLUMNS = `
  dag_run.id as id, dag_run.dag_id as "dagId", dag_run.run_id as "runId", dag_run.run_type as "runType", dag_run.conf as conf, dag_run.logical_at as "logicalAt",
  dag_run.interval_start_at as "intervalStartAt", dag_run.interval_end_at as "intervalEndAt", dag_run.run_after_at as "runAfterAt", dag_run.started_at as "startedAt",
  dag_run.dag_version_id as "dagVersionId", dag_run.bundle_version as "bundleVersion", dag_run.revision as revision, dag_run.marked_state as "markedState"`;

/**
 * Locks the dags that have runs waiting, in the order of their ids, so that of two schedulers each counts the other's starts.
 * Comes before `startDagRuns` in the same transaction. SQLite's single writer needs no lock.
 */
export const lockDagsWithQueuedRuns = defineStatement<never, [now: number]>(
  'lock_dags_with_queued_runs',
  (d) => `
    select dag_id from dag
    where dag_id in (select dag_id from dag_run where state = 'queued' and run_after_at <= $1)
    order by dag_id ${d.forUpdate}`,
  (now) => [now],
);

/**
 * queued → running.
 *
 * Called when a run was created, when one has ended, and when a dag was unpaused. Starts the waiting runs of each dag in order (time, then id) up to its
 * `max_active_runs`, and those of a backfill that is not paused up to that one's own; the scheduler of `term` holds them. The limit is counted from rows, under the lock of `lockDagsWithQueuedRuns`. Run twice: a
 * started run is no longer queued.
 */
export const startDagRuns = defineStatement<ActiveDagRun, [term: number, now: number, most: number]>(
  'start_dag_runs',
  () => `
    with startable as materialized (
      select queued.id
      from (
        select waiting.id, waiting.dag_id, waiting.backfill_id, waiting.run_after_at,
          row_number() over (partition by waiting.dag_id, waiting.backfill_id order by waiting.run_after_at, waiting.id) as place
        from dag_run as waiting
        where waiting.state = 'queued' and waiting.run_after_at <= $2
      ) as queued
      join dag on dag.dag_id = queued.dag_id and dag.is_paused = 0
      left join backfill on backfill.id = queued.backfill_id
      where coalesce(backfill.is_paused, 0) = 0
        and queued.place <= coalesce(backfill.max_active_runs, dag.max_active_runs) - (
          select count(*) from dag_run as active
          where active.dag_id = dag.dag_id and active.state = 'running' and active.backfill_id is not distinct from queued.backfill_id
        )
      order by queued.run_after_at, queued.id
      limit $3
    )
    update dag_run
    set state = 'running', started_at = $2, scheduler_term = $1, seen_revision = dag_run.revision
    from startable
    where dag_run.id = startable.id and (dag_run.state = 'queued') is true
    returning ${ACTIVE_DAG_RUN_COLUMNS}`,
  (term, now, most) => [term, now, most],
);

/**
 * running → running, under another scheduler.
 *
 * Called in every round of recovery. Takes the runs whose scheduler has ended or let its lease run out (`endExpiredJobs` comes first in the same transaction), so a
 * scheduler that was merely paused finds its term gone from the rows and changes nothing. Run twice: the runs are ours, none is taken again.
 */
export const adoptDagRuns = defineStatement<ActiveDagRun, [term: number, most: number]>(
  'adopt_dag_runs',
  (d) => `
    with orphans as materialized (
      select orphan.id
      from dag_run as orphan
      where orphan.state = 'running'
        and (orphan.scheduler_term is null
          or exists (select 1 from job where job.id = orphan.scheduler_term and job.ended_at is not null))
      order by orphan.id
      limit $2 ${d.forUpdateSkipLocked}
    )
    update dag_run
    set scheduler_term = $1, seen_revision = dag_run.revision
    from orphans
    where dag_run.id = orphans.id and (dag_run.state = 'running') is true
    returning ${ACTIVE_DAG_RUN_COLUMNS}`,
  (term, most) => [term, most],
);
