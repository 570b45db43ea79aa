import { defineStatement, type Statement } from '../database.ts';

/** An attempt that has ended, and what that makes of its task instance. */
export interface FinishedAttempt {
  readonly taskInstanceId: string;
  readonly epoch: number;
  readonly state: 'success' | 'failed' | 'skipped' | 'up_for_retry';
  readonly endedAt: number;
  /** When the next try is due; only with `up_for_retry`. */
  readonly retryAt: number | null;
  /** The new limit of tries: raised by one where the attempt was lost through no fault of its own. */
  readonly maxTries: number;
  readonly losses: number;
  /** JSON of the protocol's TryFailure; null where it did not fail. */
  readonly failure: string | null;
}

/**
 * running → success | failed | skipped | up_for_retry.
 *
 * Called for the report of a worker, and for attempts whose worker is gone. The epoch fences it: a report of an attempt that was given up
 * changes nothing. Run twice: the state no longer matches, no row changes.
 */
export const finishTaskInstances = defineStatement<{ id: string }, [attempts: readonly FinishedAttempt[]]>(
  'finish_task_instances',
  (d) => `
    update task_instance
    set state = ended.state, ended_at = ended.ended_at, retry_at = ended.retry_at, max_tries = ended.max_tries, losses = ended.losses,
      failure = ended.failure
    from ${d.rows('$1', 'ended', {
      id: 'text',
      epoch: 'bigint',
      state: 'text',
      ended_at: 'bigint',
      retry_at: 'bigint',
      max_tries: 'bigint',
      losses: 'bigint',
      failure: 'text',
    })}
    where task_instance.id = ended.id and task_instance.epoch = ended.epoch and task_instance.state = 'running'
      and ended.state in ('success', 'failed', 'skipped', 'up_for_retry')
    returning task_instance.id as id`,
  (attempts) => [
    JSON.stringify(
      attempts.map(({ taskInstanceId, epoch, state, endedAt, retryAt, maxTries, losses, failure }) => ({
        id: taskInstanceId,
        epoch,
        state,
        ended_at: endedAt,
        retry_at: retryAt,
        max_tries: maxTries,
        losses,
        failure,
      })),
    ),
  ],
);

/**
 * Copies the ended tries into the history, each once. Comes right after `finishTaskInstances` in the same transaction; an attempt whose finish was refused
 * has another epoch or state and is not copied.
 */
export const recordTries: (attempts: readonly FinishedAttempt[]) => Statement<never> = defineStatement<
  never,
  [attempts: readonly FinishedAttempt[]]
>(
  'record_tries',
  (d) => `
    insert into task_instance_history
      (task_instance_id, epoch, try_number, state, scheduled_at, queued_at, started_at, ended_at, executor, hostname, pid, failure)
    select instance.id, instance.epoch, instance.try_number, instance.state, instance.scheduled_at, instance.queued_at, instance.started_at,
      instance.ended_at, instance.executor, instance.hostname, instance.pid, instance.failure
    from ${d.rows('$1', 'ended', { id: 'text', epoch: 'bigint', state: 'text' })}
    join task_instance as instance on instance.id = ended.id and instance.epoch = ended.epoch and instance.state = ended.state
    where true
    on conflict (task_instance_id, epoch) do nothing`,
  (attempts) => [JSON.stringify(attempts.map(({ taskInstanceId, epoch, state }) => ({ id: taskInstanceId, epoch, state })))],
);
