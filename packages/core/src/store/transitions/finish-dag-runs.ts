import { defineStatement } from '../database.ts';

/** A run of which every task instance has ended. */
export interface FinishedDagRun {
  readonly id: string;
  readonly state: 'success' | 'failed';
  /** Why it ended so; null where its tasks say it. */
  readonly reason: string | null;
  /** After this many failed runs in a row the dag is paused; 0 for never. */
  readonly pauseAfter: number;
}

/**
 * running → success | failed.
 *
 * Called by the tick that ended the last task instance. Needs the run to be held, and looks itself that nothing is unfinished.
 * Run twice: the state no longer matches, no row changes.
 */
export const finishDagRuns = defineStatement<{ id: string }, [tick: string, now: number, runs: readonly FinishedDagRun[]]>(
  'finish_dag_runs',
  (d) => `
    update dag_run
    set state = wanted.state, ended_at = $2, end_reason = wanted.reason, marked_state = null, scheduler_term = null, held_by_tick = null
    from ${d.rows('$3', 'wanted', { id: 'text', state: 'text', reason: 'text' })}
    where dag_run.id = wanted.id and dag_run.state = 'running' and dag_run.held_by_tick = $1 and wanted.state in ('success', 'failed')
      and not exists (
        select 1 from task_instance as instance
        where instance.dag_run_id = dag_run.id and instance.state not in ('success', 'failed', 'skipped', 'upstream_failed', 'removed')
      )
    returning dag_run.id as id`,
  (tick, now, runs) => [tick, now, JSON.stringify(runs.map(({ id, state, reason }) => ({ id, state, reason })))],
);

/**
 * on → paused, where the last runs of a dag have all failed (Airflow's `max_consecutive_failed_dag_runs`).
 *
 * Comes after `finishDagRuns` in the same transaction. Backfills and runs by hand count as others do. Run twice: the dag is paused already.
 */
export const pauseFailingDags = defineStatement<{ dagId: string }, [runs: readonly FinishedDagRun[]]>(
  'pause_failing_dags',
  (d) => `
    update dag
    set is_paused = 1
    where dag.is_paused = 0 and dag.dag_id in (
      select run.dag_id
      from ${d.rows('$1', 'wanted', { id: 'text', pause_after: 'bigint' })}
      join dag_run as run on run.id = wanted.id and run.state = 'failed'
      where wanted.pause_after > 0 and wanted.pause_after <= (
        select count(*) from dag_run as failed
        where failed.dag_id = run.dag_id and failed.state = 'failed' and not exists (
          select 1 from dag_run as better
          where better.dag_id = run.dag_id and better.state = 'success' and better.ended_at >= failed.ended_at
        )
      )
    )
    returning dag.dag_id as "dagId"`,
  (runs) => [JSON.stringify(runs.map(({ id, pauseAfter }) => ({ id, pause_after: pauseAfter })))],
);
