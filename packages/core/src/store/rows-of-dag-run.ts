/**
 * What belongs to a run and goes with it. Not here: `backfill_dag_run`, which says what a backfill did; `secret_fetch`, which says who read what; `run_request`, which keeps an event from making
 * its run a second time.
 */

/** Tables whose rows name a run as `dag_run_id`, in the order in which they are emptied; task instances come after what names them. */
export const TABLES_OF_RUN = [
  'trigger',
  'callback_request',
  'deadline',
  'rendered_task_instance_fields',
  'mapped_scope',
  'xcom',
  'dag_run_asset_event',
  'task_instance',
] as const;

/** Tables whose rows name a task instance as `task_instance_id`. They are emptied first. */
export const TABLES_OF_TASK_INSTANCE = ['task_instance_history'] as const;
