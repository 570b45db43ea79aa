import { defineStatement } from '../database.ts';

/**
 * success | failed → queued.
 *
 * Called where somebody cleared something of a run that had ended. It waits in line as at first, and counts how often that happened. Needs the run to be held by the operation. Run
 * twice: the state no longer matches, no row changes.
 */
export const requeueDagRun = defineStatement<{ id: string }, [operation: string, now: number, dagRunId: string]>(
  'requeue_dag_run',
  () => `
    update dag_run
    set state = 'queued', clear_number = clear_number + 1, queued_at = $2, started_at = null, ended_at = null, end_reason = null, marked_state = null,
      scheduler_term = null
    where id = $3 and held_by_tick = $1 and state in ('success', 'failed')
    returning id`,
  (operation, now, dagRunId) => [operation, now, dagRunId],
);

/**
 * Every state stays. Where something was cleared of a run that has not ended, its time in the queue begins anew, as in Airflow, and a verdict that was given is no longer one. Needs the run to
 * be held by the operation.
 */
export const refreshDagRun = defineStatement<
  { id: string },
  [operation: string, now: number, wanted: { readonly id: string; readonly isCleared: boolean }]
>(
  'refresh_dag_run',
  () => `
    update dag_run
    set queued_at = case when $4 = 1 and state in ('queued', 'running') then $2 else queued_at end,
      marked_state = case when $4 = 1 then null else marked_state end
    where id = $3 and held_by_tick = $1
    returning id`,
  (operation, now, { id, isCleared }) => [operation, now, id, Number(isCleared)],
);

/**
 * Puts a run on another version of its dag: the one that was current when the change was decided. Its code is that of the dag's last reading, or of the version's first where the dag has
 * moved on meanwhile. Needs the run to be held by the operation. Run twice: it is on that version already.
 */
export const moveDagRunToVersion = defineStatement<never, [operation: string, dagRunId: string, dagVersionId: string]>(
  'move_dag_run_to_version',
  () => `
    update dag_run
    set dag_version_id = version.id,
      bundle_version = coalesce((select dag.bundle_version from dag where dag.dag_version_id = version.id), version.bundle_version)
    from dag_version as version
    where dag_run.id = $2 and dag_run.held_by_tick = $1 and version.id = $3 and version.dag_id = dag_run.dag_id`,
  (operation, dagRunId, dagVersionId) => [operation, dagRunId, dagVersionId],
);
