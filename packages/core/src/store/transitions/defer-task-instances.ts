import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';
import { keepsSlot } from './queue-task-instances.ts';

/** A task instance whose next try begins with a wait. */
export interface DeferredTaskInstance {
  readonly id: string;
  readonly epoch: number;
  /** JSON of the protocol's Deferral. */
  readonly deferral: string;
}

/**
 * none | up_for_retry → deferred.
 *
 * Called by the tick in which a task that starts from its trigger became ready, or its retry due: the try begins without a worker. Raises the epoch and the try number, as the scheduling of any other try
 * does. Needs the run to be held. Run twice: the epoch no longer matches, no row changes.
 */
export const deferTaskInstances = defineStatement<{ id: string }, [tick: string, now: number, instances: readonly DeferredTaskInstance[]]>(
  'defer_task_instances',
  (d) => `
    update task_instance
    set state = 'deferred', epoch = task_instance.epoch + 1, try_number = task_instance.try_number + 1, scheduled_at = $2, queued_at = null, started_at = null,
      ended_at = null, retry_at = null, hostname = null, pid = null, failure = null, deferral = wanted.deferral, resumption = null, keeps_slot = ${keepsSlot('task_instance')}
    from ${d.rows('$3', 'wanted', { id: 'text', epoch: 'bigint', deferral: 'text' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state in ('none', 'up_for_retry')
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, now, instances) => [tick, now, JSON.stringify(instances)],
);
