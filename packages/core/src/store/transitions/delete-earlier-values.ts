import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance at the epoch before the one that has just begun. */
export interface BegunTaskInstance {
  readonly id: string;
  readonly epoch: number;
}

/**
 * Removes what earlier tries of a task instance left for others (Airflow's `ti.clear_xcom_data`): a new try begins with nothing. Comes after `scheduleTaskInstances`, `scheduleAndQueueTaskInstances` and `deferTaskInstances` in the
 * same transaction, and takes those whose epoch they have raised; a try that goes on keeps what it left, and must not be named. Needs the run to be held. Run twice: nothing is left.
 */
export const deleteEarlierValues = defineStatement<never, [tick: string, instances: readonly BegunTaskInstance[]]>(
  'delete_earlier_values',
  (d) => `
    delete from xcom
    where (xcom.dag_run_id, xcom.task_id, xcom.map_index) in (
      select instance.dag_run_id, instance.task_id, instance.map_index
      from ${d.rows('$2', 'wanted', { id: 'text', epoch: 'bigint' })}
      join task_instance as instance on instance.id = wanted.id and instance.epoch = wanted.epoch + 1
      where instance.state in ('scheduled', 'queued', 'deferred') and ${inHeldRun('instance', '$1')}
    )`,
  (tick, instances) => [tick, JSON.stringify(instances.map(({ id, epoch }) => ({ id, epoch })))],
);
