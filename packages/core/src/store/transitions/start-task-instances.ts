import { defineStatement } from '../database.ts';

/** An attempt whose process has entered the author's function. */
export interface StartedAttempt {
  readonly taskInstanceId: string;
  readonly epoch: number;
  readonly startedAt: number;
  readonly hostname: string;
  readonly pid: number;
}

/**
 * queued → running.
 *
 * Called for the report of a worker. The epoch fences it: an attempt that was given up cannot start. Run twice: the state no longer
 * matches, no row changes.
 */
export const startTaskInstances = defineStatement<{ id: string }, [attempts: readonly StartedAttempt[]]>(
  'start_task_instances',
  (d) => `
    update task_instance
    set state = 'running', started_at = started.started_at, hostname = started.hostname, pid = started.pid,
      first_started_at = coalesce(task_instance.first_started_at, started.started_at)
    from ${d.rows('$1', 'started', { id: 'text', epoch: 'bigint', started_at: 'bigint', hostname: 'text', pid: 'bigint' })}
    where task_instance.id = started.id and task_instance.epoch = started.epoch and task_instance.state = 'queued'
    returning task_instance.id as id`,
  (attempts) => [
    JSON.stringify(
      attempts.map(({ taskInstanceId, epoch, startedAt, hostname, pid }) => ({
        id: taskInstanceId,
        epoch,
        started_at: startedAt,
        hostname,
        pid,
      })),
    ),
  ],
);
