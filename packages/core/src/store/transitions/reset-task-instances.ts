import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';
import type { SchedulableTaskInstance } from './schedule-task-instances.ts';

/**
 * queued → scheduled.
 *
 * Called where the process that should have started the attempt is gone. The epoch is raised, so the attempt can no longer start anywhere; the try
 * number stays, because nothing ran. Needs the run to be held. Run twice: the epoch no longer matches, no row changes.
 */
export const resetTaskInstances = defineStatement<{ id: string }, [tick: string, instances: readonly SchedulableTaskInstance[]]>(
  'reset_task_instances',
  (d) => `
    update task_instance
    set state = 'scheduled', epoch = task_instance.epoch + 1, queued_at = null, executor = null
    from ${d.rows('$2', 'wanted', { id: 'text', epoch: 'bigint' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state = 'queued'
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, instances) => [tick, JSON.stringify(instances)],
);
