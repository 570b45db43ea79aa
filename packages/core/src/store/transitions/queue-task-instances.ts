import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';
import type { SchedulableTaskInstance } from './schedule-task-instances.ts';

/**
 * scheduled → queued.
 *
 * Called by the tick that found a free slot; the attempt is handed to the executor after the commit. Needs the run to be held, and
 * refuses while the dag is paused.
 * Run twice: the state no longer matches, no row changes.
 */
export const queueTaskInstances = defineStatement<
  { id: string },
  [tick: string, now: number, executor: string, instances: readonly SchedulableTaskInstance[]]
>(
  'queue_task_instances',
  (d) => `
    update task_instance
    set state = 'queued', queued_at = $2, executor = $3
    from ${d.rows('$4', 'wanted', { id: 'text', epoch: 'bigint' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state = 'scheduled'
      and ${inHeldRun('task_instance', '$1')}
      and not exists (select 1 from dag where dag.dag_id = task_instance.dag_id and dag.is_paused = 1)
    returning task_instance.id as id`,
  (tick, now, executor, instances) => [tick, now, executor, JSON.stringify(instances)],
);
