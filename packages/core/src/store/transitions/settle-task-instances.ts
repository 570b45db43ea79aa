import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance that ends without ever running. */
export interface SettledTaskInstance {
  readonly id: string;
  readonly epoch: number;
  readonly state: 'success' | 'failed' | 'skipped' | 'upstream_failed' | 'removed';
  /** JSON of the protocol's TryFailure; null where it did not fail. */
  readonly failure: string | null;
  /** JSON of the protocol's TryDecision; null where it chose nothing. */
  readonly decision: string | null;
}

/**
 * none → success | failed | skipped | upstream_failed | removed.
 *
 * Called by the tick in which a trigger rule decided against running, in which a task that needs no process became ready, in which a mapped task could not be expanded, or was
 * to fewer task instances than before. Needs the run to be held. Run twice: the state no longer matches, no row changes.
 */
export const settleTaskInstances = defineStatement<{ id: string }, [tick: string, now: number, instances: readonly SettledTaskInstance[]]>(
  'settle_task_instances',
  (d) => `
    update task_instance
    set state = wanted.state, started_at = $2, ended_at = $2, failure = wanted.failure, decision = wanted.decision
    from ${d.rows('$3', 'wanted', { id: 'text', epoch: 'bigint', state: 'text', failure: 'text', decision: 'text' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state = 'none'
      and wanted.state in ('success', 'failed', 'skipped', 'upstream_failed', 'removed')
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, now, instances) => [tick, now, JSON.stringify(instances)],
);
