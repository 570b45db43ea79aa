import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';
import { FOUND_STATE, isAsFound, type FoundState } from './hold-found-dag-run.ts';

/** A task instance that somebody gives a state, as it was found. */
export interface MarkedTaskInstance extends FoundState {
  readonly to: 'success' | 'failed' | 'skipped';
  /** JSON of the protocol's TryFailure; null where it did not fail. */
  readonly failure: string | null;
}

/**
 * any state but removed → success | failed | skipped.
 *
 * Called where somebody gave the task instance a state. Raises the epoch: what an attempt still reports is refused, and the scheduler that holds the run stops it. Times that a try left
 * stay. Needs the run to be held by the operation. Run twice: the epoch no longer matches, no row changes.
 */
export const markTaskInstances = defineStatement<
  { id: string },
  [operation: string, now: number, instances: readonly MarkedTaskInstance[]]
>(
  'mark_task_instances',
  (d) => `
    update task_instance
    set state = wanted.next, epoch = task_instance.epoch + 1, started_at = coalesce(task_instance.started_at, $2),
      ended_at = coalesce(task_instance.ended_at, $2), retry_at = null, failure = wanted.failure, deferral = null, resumption = null
    from ${d.rows('$3', 'wanted', { ...FOUND_STATE, next: 'text', failure: 'text' })}
    where ${isAsFound('task_instance', 'wanted')} and task_instance.state not in ('removed', wanted.next)
      and wanted.next in ('success', 'failed', 'skipped') and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (operation, now, instances) => [
    operation,
    now,
    JSON.stringify(instances.map(({ id, epoch, state, to, failure }) => ({ id, epoch, found: state, next: to, failure }))),
  ],
);
