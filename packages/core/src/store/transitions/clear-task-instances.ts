import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';
import { FOUND_STATE, foundAsJson, isAsFound, type FoundState } from './hold-found-dag-run.ts';

/** A task instance that is cleared, as it was found. */
export interface ClearedTaskInstance extends FoundState {
  readonly maxTries: number;
}

const CLEARED = { ...FOUND_STATE, max_tries: 'bigint' } as const;

/**
 * any state but none, running and restarting → none.
 *
 * Called where somebody cleared the task instance. Raises the epoch: an attempt that was queued can no longer start, one that was deferred no longer come back. Everything that belongs
 * to the tries until now is taken off; their history stays. Needs the run to be held by the operation. Run twice: the epoch no longer matches, no row changes.
 */
export const clearTaskInstances = defineStatement<{ id: string }, [operation: string, instances: readonly ClearedTaskInstance[]]>(
  'clear_task_instances',
  (d) => `
    update task_instance
    set state = 'none', epoch = task_instance.epoch + 1, max_tries = wanted.max_tries, losses = 0, scheduled_at = null, queued_at = null, started_at = null,
      ended_at = null, retry_at = null, executor = null, hostname = null, pid = null, failure = null, map_index_label = null, decision = null,
      first_started_at = null, reschedules = 0, deferral = null, resumption = null
    from ${d.rows('$2', 'wanted', CLEARED)}
    where ${isAsFound('task_instance', 'wanted')} and task_instance.state not in ('none', 'running', 'restarting')
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (operation, instances) => [operation, toJson(instances)],
);

/**
 * running → restarting.
 *
 * Called where somebody cleared the task instance while its code runs. The epoch stays: the scheduler that holds the run stops the attempt, and puts the task instance to `none` when it
 * has ended. Needs the run to be held by the operation. Run twice: the state no longer matches, no row changes.
 */
export const interruptTaskInstances = defineStatement<{ id: string }, [operation: string, instances: readonly ClearedTaskInstance[]]>(
  'interrupt_task_instances',
  (d) => `
    update task_instance
    set state = 'restarting', max_tries = wanted.max_tries
    from ${d.rows('$2', 'wanted', CLEARED)}
    where ${isAsFound('task_instance', 'wanted')} and task_instance.state = 'running'
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (operation, instances) => [operation, toJson(instances)],
);

/**
 * Removes what cleared task instances left for others, so that a value is there only while the task instance that made it stands. Comes with the clear in the same transaction; needs the
 * run to be held by the operation. Run twice: nothing is left.
 *
 * @param instances of this run
 */
export const deleteClearedValues = defineStatement<never, [operation: string, dagRunId: string, instances: readonly FoundState[]]>(
  'delete_cleared_values',
  (d) => `
    delete from xcom
    where xcom.dag_run_id = $2 and exists (select 1 from dag_run as run where run.id = $2 and run.held_by_tick = $1)
      and (xcom.task_id, xcom.map_index) in (
        select instance.task_id, instance.map_index
        from ${d.rows('$3', 'wanted', FOUND_STATE)}
        join task_instance as instance on ${isAsFound('instance', 'wanted')}
      )`,
  (operation, dagRunId, instances) => [operation, dagRunId, foundAsJson(instances)],
);

/**
 * expanded → (absent): the mapped task or group is expanded anew when what it runs over is there.
 *
 * Comes with the clear in the same transaction; needs the run to be held by the operation. Run twice: nothing is left.
 */
export const forgetMappedScopes = defineStatement<never, [operation: string, dagRunId: string, scopeIds: readonly string[]]>(
  'forget_mapped_scopes',
  (d) => `
    delete from mapped_scope
    where dag_run_id = $2 and scope_id in (select wanted.id from ${d.rows('$3', 'wanted', { id: 'text' })})
      and exists (select 1 from dag_run as run where run.id = $2 and run.held_by_tick = $1)`,
  (operation, dagRunId, scopeIds) => [operation, dagRunId, JSON.stringify(scopeIds.map((id) => ({ id })))],
);

function toJson(instances: readonly ClearedTaskInstance[]): string {
  return JSON.stringify(instances.map(({ id, epoch, state, maxTries }) => ({ id, epoch, found: state, max_tries: maxTries })));
}
