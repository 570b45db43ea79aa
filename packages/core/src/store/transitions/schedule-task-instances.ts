import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance at the epoch that the scheduler knows. */
export interface SchedulableTaskInstance {
  readonly id: string;
  readonly epoch: number;
}

/** A task instance whose time has come. */
export interface ScheduledTaskInstance extends SchedulableTaskInstance {
  /** 1 where a new try begins; 0 where a rescheduled or deferred one goes on. */
  readonly raisesTry: 0 | 1;
  /** JSON of the protocol's Resumption; null where it begins anew. */
  readonly resumption: string | null;
}

/** What the begin of an attempt sets besides the state and when it was queued; with `wanted.raises_try` and `wanted.resumption`. */
export const BEGIN_ATTEMPT = `epoch = task_instance.epoch + 1, try_number = task_instance.try_number + wanted.raises_try, scheduled_at = $2, started_at = null,
      ended_at = null, retry_at = null, hostname = null, pid = null, failure = null, deferral = null, resumption = wanted.resumption`;

/**
 * none | up_for_retry | up_for_reschedule | deferred → scheduled.
 *
 * Called by the tick in which a task's upstream satisfied its rule, in which its retry or next poke became due, or in which what it was deferred for happened. Begins the next
 * attempt: the epoch is raised here, with a new try the try number too, and the marks of the attempt before are taken off. Needs the run to be held. Run twice: the epoch no longer
 * matches, no row changes.
 */
export const scheduleTaskInstances = defineStatement<
  { id: string },
  [tick: string, now: number, instances: readonly ScheduledTaskInstance[]]
>(
  'schedule_task_instances',
  (d) => `
    update task_instance
    set state = 'scheduled', queued_at = null, ${BEGIN_ATTEMPT}
    from ${d.rows('$3', 'wanted', { id: 'text', epoch: 'bigint', raises_try: 'bigint', resumption: 'text' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch
      and task_instance.state in ('none', 'up_for_retry', 'up_for_reschedule', 'deferred')
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, now, instances) => [
    tick,
    now,
    JSON.stringify(instances.map(({ id, epoch, raisesTry, resumption }) => ({ id, epoch, raises_try: raisesTry, resumption }))),
  ],
);
