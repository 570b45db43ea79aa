import { defineStatement } from '../database.ts';
import { heldRun } from './hold-dag-runs.ts';

/** A task instance that a started run lacks. */
export interface NewTaskInstance {
  readonly id: string;
  readonly dagRunId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly maxTries: number;
  readonly operator: string;
  readonly pool: string;
  readonly poolSlots: number;
  readonly priorityWeight: number;
  readonly queue: string;
}

/**
 * (absent) → none.
 *
 * Called by the tick that first advances a run, and by those that expand its mapped tasks. Needs the run to be held by the tick. Run twice: the unique key
 * (run, task, map index) keeps the first row, and nothing is returned for the second.
 */
export const createTaskInstances = defineStatement<{ id: string }, [tick: string, instances: readonly NewTaskInstance[]]>(
  'create_task_instances',
  (d) => `
    insert into task_instance
      (id, dag_run_id, dag_id, run_id, task_id, map_index, state, epoch, try_number, max_tries, losses, operator, pool, pool_slots, priority_weight, queue)
    select created.id, run.id, run.dag_id, run.run_id, created.task_id, created.map_index, 'none', 0, 0, created.max_tries, 0, created.operator,
      created.pool, created.pool_slots, created.priority_weight, created.queue
    from ${d.rows('$2', 'created', {
      id: 'text',
      run: 'text',
      task_id: 'text',
      map_index: 'bigint',
      max_tries: 'bigint',
      operator: 'text',
      pool: 'text',
      pool_slots: 'bigint',
      priority_weight: 'bigint',
      queue: 'text',
    })}
    join dag_run as run on run.id = created.run
    where ${heldRun('run', '$1')}
    on conflict (dag_run_id, task_id, map_index) do nothing
    returning id`,
  (tick, instances) => [
    tick,
    JSON.stringify(
      instances.map((created) => ({
        id: created.id,
        run: created.dagRunId,
        task_id: created.taskId,
        map_index: created.mapIndex,
        max_tries: created.maxTries,
        operator: created.operator,
        pool: created.pool,
        pool_slots: created.poolSlots,
        priority_weight: created.priorityWeight,
        queue: created.queue,
      })),
    ),
  ],
);
