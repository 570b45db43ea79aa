import { defineStatement } from '../database.ts';

/**
 * any state → success | failed, by hand.
 *
 * Called where somebody gave a run a state, or where a mark of its task instances changed the verdict on it. Needs the run to be held by the operation, and looks itself that
 * nothing is unfinished. The run keeps the name of the scheduler that held it, which `releaseMarkedDagRuns` takes off when that one has heard. Run twice: it is in that state already.
 */
export const markDagRun = defineStatement<
  { id: string },
  [operation: string, now: number, wanted: { readonly id: string; readonly state: 'success' | 'failed' }]
>(
  'mark_dag_run',
  () => `
    update dag_run
    set state = $4, ended_at = coalesce(ended_at, $2), end_reason = 'marked', marked_state = null
    where id = $3 and held_by_tick = $1 and state <> $4 and $4 in ('success', 'failed')
      and not exists (
        select 1 from task_instance as instance
        where instance.dag_run_id = dag_run.id and instance.state not in ('success', 'failed', 'skipped', 'upstream_failed', 'removed')
      )
    returning id`,
  (operation, now, { id, state }) => [operation, now, id, state],
);

/**
 * queued → queued, running → running, with a verdict: its teardowns still have to run, and then it ends so. Needs the run to be held by the operation.
 */
export const rememberVerdict = defineStatement<{ id: string }, [operation: string, dagRunId: string, state: 'success' | 'failed']>(
  'remember_verdict',
  () => `update dag_run set marked_state = $3 where id = $2 and held_by_tick = $1 and state in ('queued', 'running') returning id`,
  (operation, dagRunId, state) => [operation, dagRunId, state],
);

/**
 * success | failed → the same, held by nobody.
 *
 * Called by a scheduler that looks for what others have changed: these runs of its own were ended by hand, so it forgets them and stops what still runs of them. Run twice: nothing is
 * left of its own.
 */
export const releaseMarkedDagRuns = defineStatement<{ id: string }, [term: number]>(
  'release_marked_dag_runs',
  () => `update dag_run set scheduler_term = null where scheduler_term = $1 and state in ('success', 'failed') returning id`,
  (term) => [term],
);
