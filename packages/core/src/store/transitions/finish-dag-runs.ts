import { defineStatement } from '../database.ts';

/** A run of which every task instance has ended. */
export interface FinishedDagRun {
  readonly id: string;
  readonly state: 'success' | 'failed';
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
    set state = wanted.state, ended_at = $2, scheduler_term = null, held_by_tick = null
    from ${d.rows('$3', 'wanted', { id: 'text', state: 'text' })}
    where dag_run.id = wanted.id and dag_run.state = 'running' and dag_run.held_by_tick = $1 and wanted.state in ('success', 'failed')
      and not exists (
        select 1 from task_instance as instance
        where instance.dag_run_id = dag_run.id and instance.state not in ('success', 'failed', 'skipped', 'upstream_failed', 'removed')
      )
    returning dag_run.id as id`,
  (tick, now, runs) => [tick, now, JSON.stringify(runs)],
);
