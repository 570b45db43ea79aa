import { defineStatement } from '../database.ts';

/** The value that a successful attempt returned. */
export interface ReturnedValue {
  readonly taskInstanceId: string;
  readonly epoch: number;
  /** JSON text. */
  readonly value: string;
  /** Where a large value lies instead: JSON text of a `ValueReference`. @default null */
  readonly offloaded?: string | null;
}

/** The key under which a task's own value is found, as in Airflow. */
export const RETURN_VALUE_KEY = 'return_value';

/**
 * Stores what successful attempts returned. Comes after `finishTaskInstances` in the same transaction: a value whose attempt was refused is
 * not stored. A value of an earlier try is replaced.
 */
export const pushXComs = defineStatement<never, [now: number, values: readonly ReturnedValue[]]>(
  'push_xcoms',
  (d) => `
    insert into xcom (dag_run_id, task_id, map_index, key, value, offloaded, created_at)
    select instance.dag_run_id, instance.task_id, instance.map_index, '${RETURN_VALUE_KEY}', returned.value, returned.offloaded, $1
    from ${d.rows('$2', 'returned', { id: 'text', epoch: 'bigint', value: 'text', offloaded: 'text' })}
    join task_instance as instance on instance.id = returned.id and instance.epoch = returned.epoch and instance.state = 'success'
    where true
    on conflict (dag_run_id, task_id, map_index, key) do update set value = excluded.value, offloaded = excluded.offloaded, created_at = excluded.created_at`,
  (now, values) => [
    now,
    JSON.stringify(values.map(({ taskInstanceId, epoch, value, offloaded = null }) => ({ id: taskInstanceId, epoch, value, offloaded }))),
  ],
);
