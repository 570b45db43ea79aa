import { defineStatement } from '../database.ts';

/**
 * waiting | fired → (absent), for every trigger whose task instance is no longer deferred at its epoch: it was resumed, timed out, was cleared or marked, or its run is gone.
 *
 * Called by triggerers in every round of recovery. Run twice: nothing is left to remove.
 */
export const removeUnwantedTriggers = defineStatement<{ taskInstanceId: string }, []>(
  'remove_unwanted_triggers',
  () => `
    delete from trigger
    where not exists (
      select 1 from task_instance as instance
      where instance.id = trigger.task_instance_id and instance.epoch = trigger.epoch and instance.state = 'deferred'
    )
    returning task_instance_id as "taskInstanceId"`,
  () => [],
);
