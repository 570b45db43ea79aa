/**
 * The states of dag runs and task instances and every legal change between them: one table each, which the store's transitions, the
 * simulation's checker and the drawings in the docs all read. The strings are Airflow's.
 *
 * `none` is Airflow's null: the task instance exists and nothing has been decided about it. It is a word here because SQL guards
 * compare states with `=`; the REST API shows it as null.
 */

export const DAG_RUN_STATES = ['queued', 'running', 'success', 'failed'] as const;
/** The state of a dag run. Airflow has no paused or cancelled run, and neither have we. */
export type DagRunState = (typeof DAG_RUN_STATES)[number];

/** From each state of a dag run, the states that may follow it by themselves. */
export const DAG_RUN_TRANSITIONS: Readonly<Record<DagRunState, readonly DagRunState[]>> = {
  queued: ['running'],
  running: ['success', 'failed'],
  success: [],
  failed: [],
};

/** From each state of a dag run, the states that somebody may put it into: by clearing it, by a mark, by cancelling its backfill. */
export const DAG_RUN_OPERATIONS: Readonly<Record<DagRunState, readonly DagRunState[]>> = {
  queued: ['success', 'failed'],
  running: ['success', 'failed'],
  success: ['queued', 'failed'],
  failed: ['queued', 'success'],
};

export const TASK_INSTANCE_STATES = [
  'none',
  'scheduled',
  'queued',
  'running',
  'success',
  'failed',
  'skipped',
  'upstream_failed',
  'up_for_retry',
  'up_for_reschedule',
  'deferred',
  'restarting',
  'removed',
] as const;
/** The state of a task instance. */
export type TaskInstanceState = (typeof TASK_INSTANCE_STATES)[number];

/**
 * From each state of a task instance, the states that may follow it by themselves.
 *
 * `none → success` is the task that does nothing (`empty()`), which Airflow, too, never queues. `queued → scheduled` takes back an
 * attempt whose process died before it started; `running → up_for_retry` covers a failed try and a lost one alike. What is unfinished becomes `failed` or `skipped` when its
 * whole run ends before it. `none → deferred`: a try that begins with a wait. `removed`: the map index is no longer part of the run.
 */
export const TASK_INSTANCE_TRANSITIONS: Readonly<Record<TaskInstanceState, readonly TaskInstanceState[]>> = {
  none: ['scheduled', 'deferred', 'success', 'failed', 'skipped', 'upstream_failed', 'removed'],
  scheduled: ['queued', 'failed', 'skipped'],
  queued: ['running', 'scheduled', 'failed', 'skipped'],
  running: ['success', 'failed', 'skipped', 'up_for_retry', 'up_for_reschedule', 'deferred'],
  success: [],
  failed: [],
  skipped: [],
  upstream_failed: [],
  up_for_retry: ['scheduled', 'deferred', 'failed', 'skipped'],
  up_for_reschedule: ['scheduled', 'failed', 'skipped'],
  deferred: ['scheduled', 'failed', 'skipped', 'up_for_retry'],
  restarting: ['none'],
  removed: [],
};

/**
 * From each state of a task instance, the states that somebody may put it into: by clearing it (`none`, or `restarting` while its code runs: the next try begins when that has
 * ended), or by a mark.
 */
export const TASK_INSTANCE_OPERATIONS: Readonly<Record<TaskInstanceState, readonly TaskInstanceState[]>> = {
  none: ['success', 'failed', 'skipped'],
  scheduled: ['none', 'success', 'failed', 'skipped'],
  queued: ['none', 'success', 'failed', 'skipped'],
  running: ['restarting', 'success', 'failed', 'skipped'],
  success: ['none', 'failed', 'skipped'],
  failed: ['none', 'success', 'skipped'],
  skipped: ['none', 'success', 'failed'],
  upstream_failed: ['none', 'success', 'failed', 'skipped'],
  up_for_retry: ['none', 'success', 'failed', 'skipped'],
  up_for_reschedule: ['none', 'success', 'failed', 'skipped'],
  deferred: ['none', 'success', 'failed', 'skipped'],
  restarting: ['success', 'failed', 'skipped'],
  removed: ['none'],
};

/** The states in which a task instance is done until somebody clears it. */
export const FINISHED_TASK_INSTANCE_STATES = ['success', 'failed', 'skipped', 'upstream_failed', 'removed'] as const;
/** A state in which a task instance is done until somebody clears it. */
export type FinishedTaskInstanceState = (typeof FINISHED_TASK_INSTANCE_STATES)[number];

/** Whether a task instance in this state is done until somebody clears it. */
export function isFinishedTaskInstanceState(state: TaskInstanceState): state is FinishedTaskInstanceState {
  return (FINISHED_TASK_INSTANCE_STATES as readonly TaskInstanceState[]).includes(state);
}

/** Whether a dag run in this state is done. */
export function isFinishedDagRunState(state: DagRunState): state is 'success' | 'failed' {
  return state === 'success' || state === 'failed';
}

export const DAG_RUN_TYPES = ['manual', 'scheduled', 'backfill', 'asset_triggered', 'asset_materialization', 'operator_triggered'] as const;
/** What created a dag run. */
export type DagRunType = (typeof DAG_RUN_TYPES)[number];

export const DAG_RUN_TRIGGERED_BY = ['cli', 'rest_api', 'ui', 'test', 'timetable', 'asset', 'backfill', 'operator'] as const;
/** Through which door a dag run was asked for. */
export type DagRunTriggeredBy = (typeof DAG_RUN_TRIGGERED_BY)[number];
