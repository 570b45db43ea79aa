import { defineStatement } from '../database.ts';
import { CLEARED_FAILURE } from './clear-task-instances.ts';
import { TRY_COLUMNS } from './finish-task-instances.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance that was cleared while its code ran, and whose code has ended now. */
export interface RestartingTaskInstance {
  readonly id: string;
  readonly epoch: number;
  /** How many tries it may have from here on. */
  readonly maxTries: number;
}

/**
 * Copies the tries that were cleared into the history, each once: as failed, like every try that was given up, and however its code ended (Airflow's `TaskInstanceHistory.record_ti`). Comes right before `restartTaskInstances` in the same transaction.
 */
export const recordClearedTries = defineStatement<never, [tick: string, now: number, instances: readonly RestartingTaskInstance[]]>(
  'record_cleared_tries',
  (d) => `
    insert into task_instance_history (task_instance_id, ${TRY_COLUMNS.join(', ')})
    select instance.id, ${TRY_COLUMNS.map((column) => CLEARED[column] ?? `instance.${column}`).join(', ')}
    from ${d.rows('$3', 'wanted', { id: 'text', epoch: 'bigint' })}
    join task_instance as instance on instance.id = wanted.id and instance.epoch = wanted.epoch and instance.state = 'restarting'
    where ${inHeldRun('instance', '$1')}
    on conflict (task_instance_id, epoch) do nothing`,
  (tick, now, instances) => [tick, now, JSON.stringify(instances.map(({ id, epoch }) => ({ id, epoch }))), CLEARED_FAILURE],
);

const CLEARED: Readonly<Partial<Record<(typeof TRY_COLUMNS)[number], string>>> = { state: `'failed'`, ended_at: '$2', failure: '$4' };

/**
 * restarting → none.
 *
 * Called by the tick that heard, or found, that the attempt which somebody cleared has ended. Raises the epoch. Needs the run to be held. Run twice: the epoch no longer
 * matches, no row changes.
 */
export const restartTaskInstances = defineStatement<{ id: string }, [tick: string, instances: readonly RestartingTaskInstance[]]>(
  'restart_task_instances',
  (d) => `
    update task_instance
    set state = 'none', epoch = task_instance.epoch + 1, max_tries = wanted.max_tries, losses = 0, started_at = null, ended_at = null,
      retry_at = null, hostname = null, pid = null, failure = null, decision = null, deferral = null, resumption = null, first_started_at = null, reschedules = 0
    from ${d.rows('$2', 'wanted', { id: 'text', epoch: 'bigint', max_tries: 'bigint' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state = 'restarting'
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, instances) => [tick, JSON.stringify(instances.map(({ id, epoch, maxTries }) => ({ id, epoch, max_tries: maxTries })))],
);
