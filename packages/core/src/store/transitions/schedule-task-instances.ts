import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance whose time has come, at the epoch that the scheduler knows. */
export interface SchedulableTaskInstance {
  readonly id: string;
  readonly epoch: number;
}

/**
 * none | up_for_retry → scheduled.
 *
 * Called by the tick in which a task's upstream satisfied its rule, or in which its retry became due. Begins the next attempt: epoch and try
 * number are raised here, and the marks of the try before are taken off. Needs the run to be held. Run twice: the epoch no longer matches, no row changes.
 */
export const scheduleTaskInstances = defineStatement<
  { id: string },
  [tick: string, now: number, instances: readonly SchedulableTaskInstance[]]
>(
  'schedule_task_instances',
  (d) => `
    update task_instance
    set state = 'scheduled', epoch = task_instance.epoch + 1, try_number = task_instance.try_number + 1, scheduled_at = $2,
      queued_at = null, started_at = null, ended_at = null, retry_at = null, hostname = null, pid = null, failure = null
    from ${d.rows('$3', 'wanted', { id: 'text', epoch: 'bigint' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state in ('none', 'up_for_retry')
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, now, instances) => [tick, now, JSON.stringify(instances)],
);
