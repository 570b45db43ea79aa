import { defineStatement } from '../database.ts';
import { keepsSlot } from './queue-task-instances.ts';
import type { StartedAttempt } from './start-task-instances.ts';

/** An attempt that has ended, and what that makes of its task instance. */
export interface FinishedAttempt {
  readonly taskInstanceId: string;
  readonly epoch: number;
  /** What it was: running, or deferred for longer than it wanted to be; queued where its start was not stored by itself. */
  readonly from: 'queued' | 'running' | 'deferred';
  /** The start that is stored with the end; only with `queued`. */
  readonly started?: Omit<StartedAttempt, 'taskInstanceId' | 'epoch'>;
  readonly state: 'success' | 'failed' | 'skipped' | 'up_for_retry' | 'up_for_reschedule' | 'deferred';
  readonly endedAt: number;
  /** When the next try or the next poke is due; only with `up_for_retry` and `up_for_reschedule`. */
  readonly retryAt: number | null;
  /** The new limit of tries: raised by one where the attempt was lost through no fault of its own. */
  readonly maxTries: number;
  readonly losses: number;
  readonly reschedules: number;
  /** JSON of the protocol's TryFailure; null where it did not fail. */
  readonly failure: string | null;
  /** JSON of the protocol's TryDecision; null where it chose nothing. */
  readonly decision: string | null;
  /** JSON of the protocol's Deferral; only with `deferred`. */
  readonly deferral: string | null;
  readonly mapIndexLabel: string | null;
}

/**
 * running → success | failed | skipped | up_for_retry | up_for_reschedule | deferred; deferred → failed | up_for_retry; queued → running → … at once, where start and end were heard of
 * together.
 *
 * Called for the report of a worker, for attempts whose worker is gone, and where a deferral took too long. The epoch fences it: a report of an attempt that was given up
 * changes nothing. Run twice: the state no longer matches, no row changes.
 */
export const finishTaskInstances = defineStatement<{ id: string }, [attempts: readonly FinishedAttempt[]]>(
  'finish_task_instances',
  (d) => `
    update task_instance
    set started_at = case when task_instance.state = 'queued' then ended.started_at else task_instance.started_at end,
      hostname = case when task_instance.state = 'queued' then ended.hostname else task_instance.hostname end,
      pid = case when task_instance.state = 'queued' then ended.pid else task_instance.pid end,
      first_started_at = coalesce(task_instance.first_started_at, ended.started_at),
      state = ended.state, ended_at = ended.ended_at, retry_at = ended.retry_at, max_tries = ended.max_tries, losses = ended.losses,
      reschedules = ended.reschedules, failure = ended.failure, decision = ended.decision, deferral = ended.deferral, resumption = null,
      map_index_label = coalesce(ended.map_index_label, task_instance.map_index_label),
      keeps_slot = case when ended.state = 'deferred' then ${keepsSlot('task_instance')} else 0 end
    from ${d.rows('$1', 'ended', {
      id: 'text',
      epoch: 'bigint',
      from_state: 'text',
      state: 'text',
      ended_at: 'bigint',
      retry_at: 'bigint',
      max_tries: 'bigint',
      losses: 'bigint',
      reschedules: 'bigint',
      failure: 'text',
      decision: 'text',
      deferral: 'text',
      map_index_label: 'text',
      started_at: 'bigint',
      hostname: 'text',
      pid: 'bigint',
    })}
    where task_instance.id = ended.id and task_instance.epoch = ended.epoch
      and (task_instance.state = ended.from_state or ended.from_state = 'queued' and task_instance.state = 'running')
      and (ended.from_state in ('queued', 'running') and ended.state in ('success', 'failed', 'skipped', 'up_for_retry', 'up_for_reschedule', 'deferred')
        or ended.from_state = 'deferred' and ended.state in ('failed', 'up_for_retry'))
    returning task_instance.id as id`,
  (attempts) => [
    JSON.stringify(
      attempts.map((ended) => ({
        id: ended.taskInstanceId,
        epoch: ended.epoch,
        from_state: ended.from,
        state: ended.state,
        ended_at: ended.endedAt,
        retry_at: ended.retryAt,
        max_tries: ended.maxTries,
        losses: ended.losses,
        reschedules: ended.reschedules,
        failure: ended.failure,
        decision: ended.decision,
        deferral: ended.deferral,
        map_index_label: ended.mapIndexLabel,
        started_at: ended.started?.startedAt ?? null,
        hostname: ended.started?.hostname ?? null,
        pid: ended.started?.pid ?? null,
      })),
    ),
  ],
);
