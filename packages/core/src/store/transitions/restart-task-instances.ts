import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance that was cleared while its code ran, and whose code has ended now. */
export interface RestartingTaskInstance {
  readonly id: string;
  readonly epoch: number;
  /** How many tries it may have from here on. */
  readonly maxTries: number;
}

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
    set state = 'none', epoch = task_instance.epoch + 1, max_tries = wanted.max_tries, losses = 0, scheduled_at = null, queued_at = null, started_at = null,
      ended_at = null, retry_at = null, executor = null, hostname = null, pid = null, failure = null, decision = null, deferral = null, resumption = null, first_started_at = null, reschedules = 0
    from ${d.rows('$2', 'wanted', { id: 'text', epoch: 'bigint', max_tries: 'bigint' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state = 'restarting'
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, instances) => [tick, JSON.stringify(instances.map(({ id, epoch, maxTries }) => ({ id, epoch, max_tries: maxTries })))],
);
