import type { Attempt } from '@tradewind/protocol';
import { defineStatement, type Database } from '../database.ts';
import { RUNNING_ATTEMPT_STATES } from '../reads/attempts.ts';

/** Of so many runs of a task what its templates became is kept (Airflow's `max_num_rendered_ti_fields_per_task`). */
export const KEPT_RUNS = 30;

/**
 * (absent, or what they became before) → what the template fields of a try became.
 *
 * Called for a request of an attempt's process, before its function is entered. The epoch fences it. What belongs to runs before the last thirty that rendered
 * the task goes in the same transaction. Run twice: the same again.
 * @param fields JSON object, masked and cut
 */
export async function recordRenderedFields(
  database: Database,
  attempt: Attempt,
  fields: string,
  now: number,
): Promise<{ readonly outcome: 'recorded' | 'attempt_over' }> {
  const [recorded] = await database.batch([upsertRenderedFields(attempt, fields, now), deleteOldRenderedFields(attempt)]);
  return { outcome: recorded.length > 0 ? 'recorded' : 'attempt_over' };
}

const upsertRenderedFields = defineStatement<{ id: string }, [attempt: Attempt, fields: string, now: number]>(
  'record_rendered_fields',
  () => `
    insert into rendered_task_instance_fields (task_instance_id, try_number, dag_run_id, dag_id, task_id, fields, rendered_at)
    select instance.id, instance.try_number, instance.dag_run_id, instance.dag_id, instance.task_id, $3, $4
    from task_instance as instance
    where instance.id = $1 and instance.epoch = $2 and instance.state in (${RUNNING_ATTEMPT_STATES.map((state) => `'${state}'`).join(', ')})
    on conflict (task_instance_id, try_number) do update set fields = excluded.fields, rendered_at = excluded.rendered_at
    returning task_instance_id as id`,
  ({ taskInstanceId, epoch }, fields, now) => [taskInstanceId, epoch, fields, now],
);

const deleteOldRenderedFields = defineStatement<never, [attempt: Attempt]>(
  'delete_old_rendered_fields',
  () => `
    delete from rendered_task_instance_fields
    where (dag_id, task_id) in (select dag_id, task_id from task_instance where id = $1)
      and dag_run_id not in (
        select kept.dag_run_id
        from rendered_task_instance_fields as kept
        where (kept.dag_id, kept.task_id) in (select dag_id, task_id from task_instance where id = $1)
        group by kept.dag_run_id
        order by max(kept.rendered_at) desc, kept.dag_run_id desc
        limit ${KEPT_RUNS}
      )`,
  ({ taskInstanceId }) => [taskInstanceId],
);
