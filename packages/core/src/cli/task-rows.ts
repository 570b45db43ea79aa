import type { SerializedDag } from '@tradewind/protocol';

/** A task as `tradewind` prints it, in Airflow's spelling. */
export interface TaskRow {
  readonly task_id: string;
  readonly dag_id: string;
  readonly operator_name: string;
  readonly upstream_task_ids: readonly string[];
  readonly downstream_task_ids: readonly string[];
  readonly trigger_rule: string;
  readonly retries: number;
  readonly outlets: readonly string[];
}

/** The tasks of a dag in the order in which they can run. */
export function toTaskRows({ dagId, tasks }: SerializedDag): TaskRow[] {
  return tasks.map((task) => ({
    task_id: task.taskId,
    dag_id: dagId,
    operator_name: task.operator,
    upstream_task_ids: task.upstream,
    downstream_task_ids: tasks.filter(({ upstream }) => upstream.includes(task.taskId)).map(({ taskId }) => taskId),
    trigger_rule: task.triggerRule,
    retries: task.retries,
    outlets: task.outlets,
  }));
}
