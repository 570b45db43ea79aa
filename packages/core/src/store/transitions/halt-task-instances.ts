import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance that the run does not wait for any more. */
export interface HaltedTaskInstance {
  readonly id: string;
  readonly epoch: number;
  readonly state: 'failed' | 'skipped';
  /** JSON of the protocol's TryFailure; null where it did not fail. */
  readonly failure: string | null;
}

/**
 * none | scheduled | queued | running | deferred | up_for_retry | up_for_reschedule → failed | skipped.
 *
 * Called by the tick in which a run took too long, or in which the first failure ended a run that wants no second. Raises the epoch: what still runs of an attempt is refused,
 * and stopped after the commit. Needs the run to be held. Run twice: the epoch no longer matches, no row changes.
 */
export const haltTaskInstances = defineStatement<{ id: string }, [tick: string, now: number, instances: readonly HaltedTaskInstance[]]>(
  'halt_task_instances',
  (d) => `
    update task_instance
    set state = wanted.state, epoch = task_instance.epoch + 1, ended_at = $2, retry_at = null, failure = wanted.failure, deferral = null, resumption = null
    from ${d.rows('$3', 'wanted', { id: 'text', epoch: 'bigint', state: 'text', failure: 'text' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and wanted.state in ('failed', 'skipped')
      and task_instance.state in ('none', 'scheduled', 'queued', 'running', 'deferred', 'up_for_retry', 'up_for_reschedule')
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, now, instances) => [tick, now, JSON.stringify(instances)],
);
