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

/** From each state of a dag run, the states that may follow it. */
export const DAG_RUN_TRANSITIONS: Readonly<Record<DagRunState, readonly DagRunState[]>> = {
  queued: ['running'],
  running: ['success', 'failed'],
  success: [],
  failed: [],
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
  'removed',
] as const;
/** The state of a task instance. */
export type TaskInstanceState = (typeof TASK_INSTANCE_STATES)[number];

/**
 * From each state of a task instance, the states that may follow it.
 *
 * `none → success` is the task that does nothing (`empty()`), which Airflow, too, never queues. `queued → scheduled` takes back an
 * attempt whose process died before it started; `running → up_for_retry` covers a failed try and a lost one alike.
 */
export const TASK_INSTANCE_TRANSITIONS: Readonly<Record<TaskInstanceState, readonly TaskInstanceState[]>> = {
  none: ['scheduled', 'success', 'skipped', 'upstream_failed'],
  scheduled: ['queued'],
  queued: ['running', 'scheduled'],
  running: ['success', 'failed', 'skipped', 'up_for_retry'],
  success: [],
  failed: [],
  skipped: [],
  upstream_failed: [],
  up_for_retry: ['scheduled'],
  removed: [],
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

export const DAG_RUN_TYPES = ['manual', 'scheduled', 'asset_triggered'] as const;
/** What created a dag run. */
export type DagRunType = (typeof DAG_RUN_TYPES)[number];

export const DAG_RUN_TRIGGERED_BY = ['cli', 'rest_api', 'ui', 'test', 'timetable', 'asset'] as const;
/** Through which door a dag run was asked for. */
export type DagRunTriggeredBy = (typeof DAG_RUN_TRIGGERED_BY)[number];
