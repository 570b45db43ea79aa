import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance that ends without ever running. */
export interface SettledTaskInstance {
  readonly id: string;
  readonly epoch: number;
  readonly state: 'success' | 'skipped' | 'upstream_failed';
}

/**
 * none → success | skipped | upstream_failed.
 *
 * Called by the tick in which a trigger rule decided against running, or in which a task that does nothing became ready. Needs the run to be held.
 * Run twice: the state no longer matches, no row changes.
 */
export const settleTaskInstances = defineStatement<{ id: string }, [tick: string, now: number, instances: readonly SettledTaskInstance[]]>(
  'settle_task_instances',
  (d) => `
    update task_instance
    set state = wanted.state, started_at = $2, ended_at = $2
    from ${d.rows('$3', 'wanted', { id: 'text', epoch: 'bigint', state: 'text' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state = 'none'
      and wanted.state in ('success', 'skipped', 'upstream_failed')
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, now, instances) => [tick, now, JSON.stringify(instances)],
);
