import { VERSION_IDS } from './example-dags.ts';
import { EXAMPLE_NOW, HOUR, MINUTE, SECOND } from './example-time.ts';
import type { ExampleTable, Row } from './insert-rows.ts';

/** Ids of the runs, and of the task instance that failed. */
export const RUN_IDS = {
  ordersSuccess: '019a0000-0000-7000-8000-000000000201',
  ordersFailed: '019a0000-0000-7000-8000-000000000202',
  ordersRunning: '019a0000-0000-7000-8000-000000000203',
  ordersQueued: '019a0000-0000-7000-8000-000000000204',
  profilesRun: '019a0000-0000-7000-8000-000000000205',
  nightlyRun: '019a0000-0000-7000-8000-000000000206',
  failedTask: '019a0000-0000-7000-8000-000000000303',
} as const;

const SUCCESS = { id: RUN_IDS.ordersSuccess, dagId: 'orders', runId: 'scheduled__2026-11-21T09:00:00+00:00' };
const FAILED = { id: RUN_IDS.ordersFailed, dagId: 'orders', runId: 'manual__1' };
const RUNNING = { id: RUN_IDS.ordersRunning, dagId: 'orders', runId: 'manual__2' };
const PROFILES = { id: RUN_IDS.profilesRun, dagId: 'profiles', runId: 'asset_triggered__abc' };
const AT_NINE = EXAMPLE_NOW - 3 * HOUR;
const FAILURE = { kind: 'error', message: 'the disk of the source is full', detail: 'Error: the disk of the source is full\n    at total' };

/** Runs and task instances in every state, and what they left behind. */
export const EXAMPLE_RUNS: readonly ExampleTable[] = [
  ['pool', [{ name: 'loads', slots: 2, description: 'Loads into the warehouse', include_deferred: 1 }]],
  [
    'dag_run',
    [
      dagRun(SUCCESS.id, 'orders', SUCCESS.runId, {
        run_type: 'scheduled',
        triggered_by: 'timetable',
        state: 'success',
        logical_at: AT_NINE,
        interval_start_at: AT_NINE,
        interval_end_at: AT_NINE,
        run_after_at: AT_NINE,
        queued_at: AT_NINE + 5,
        started_at: AT_NINE + 10,
        ended_at: AT_NINE + 4_010,
        last_scheduled_at: AT_NINE + 4_000,
        dag_version_id: VERSION_IDS.ordersVersion1,
        bundle_version: 'bundle-1',
      }),
      dagRun(FAILED.id, 'orders', FAILED.runId, {
        state: 'failed',
        triggering_user: 'ada',
        conf: '{"region":"us"}',
        note: 'checked with sales',
        run_after_at: EXAMPLE_NOW - 2 * HOUR,
        queued_at: EXAMPLE_NOW - 2 * HOUR,
        started_at: EXAMPLE_NOW - 2 * HOUR,
        ended_at: EXAMPLE_NOW - 2 * HOUR + 90 * SECOND,
      }),
      dagRun(RUNNING.id, 'orders', RUNNING.runId, {
        state: 'running',
        run_after_at: EXAMPLE_NOW - 5 * MINUTE,
        queued_at: EXAMPLE_NOW - 5 * MINUTE,
        started_at: EXAMPLE_NOW - 5 * MINUTE,
      }),
      dagRun(RUN_IDS.ordersQueued, 'orders', 'manual__3', { triggered_by: 'ui', triggering_user: 'admin' }),
      dagRun(PROFILES.id, 'profiles', PROFILES.runId, {
        run_type: 'asset_triggered',
        triggered_by: 'asset',
        state: 'success',
        conf: '{"total":3}',
        run_after_at: EXAMPLE_NOW - HOUR,
        started_at: EXAMPLE_NOW - HOUR,
        ended_at: EXAMPLE_NOW - HOUR + 2 * SECOND,
        dag_version_id: VERSION_IDS.profilesVersion,
        bundle_version: 'bundle-1',
      }),
      dagRun(RUN_IDS.nightlyRun, 'nightly', 'manual__1', {
        state: 'success',
        run_after_at: EXAMPLE_NOW - 4 * HOUR,
        started_at: EXAMPLE_NOW - 4 * HOUR,
        ended_at: EXAMPLE_NOW - 3 * HOUR,
        dag_version_id: VERSION_IDS.nightlyVersion,
        bundle_version: 'bundle-1',
      }),
    ],
  ],
  [
    'task_instance',
    [
      taskInstance(1, SUCCESS, { state: 'success', ...ranFor(1, AT_NINE + 20) }),
      taskInstance(2, FAILED, { state: 'success', ...ranFor(1, EXAMPLE_NOW - 2 * HOUR) }),
      taskInstance(3, FAILED, {
        task_id: 'total',
        state: 'failed',
        ...ranFor(2, EXAMPLE_NOW - 2 * HOUR + 60 * SECOND),
        epoch: 2,
        try_number: 2,
        max_tries: 2,
        failure: JSON.stringify(FAILURE),
      }),
      taskInstance(4, FAILED, { task_id: 'load', state: 'upstream_failed', ended_at: EXAMPLE_NOW - 2 * HOUR + 62 * SECOND }),
      taskInstance(5, RUNNING, { state: 'running', ...ranFor(0, EXAMPLE_NOW - 5 * MINUTE), ended_at: null }),
      taskInstance(6, RUNNING, { task_id: 'total' }),
      taskInstance(7, RUNNING, { task_id: 'load', state: 'scheduled', scheduled_at: EXAMPLE_NOW }),
      taskInstance(8, PROFILES, { task_id: 'build', state: 'skipped', ...ranFor(1, EXAMPLE_NOW - HOUR) }),
      taskInstance(
        9,
        { id: RUN_IDS.nightlyRun, dagId: 'nightly', runId: 'manual__1' },
        { state: 'up_for_retry', ...ranFor(3, EXAMPLE_NOW - 4 * HOUR), retry_at: EXAMPLE_NOW + MINUTE, operator: 'bash' },
      ),
    ],
  ],
  [
    'task_instance_history',
    [
      {
        task_instance_id: RUN_IDS.failedTask,
        epoch: 1,
        try_number: 1,
        state: 'up_for_retry',
        scheduled_at: EXAMPLE_NOW - 2 * HOUR + SECOND,
        queued_at: EXAMPLE_NOW - 2 * HOUR + SECOND,
        started_at: EXAMPLE_NOW - 2 * HOUR + 2 * SECOND,
        ended_at: EXAMPLE_NOW - 2 * HOUR + 3 * SECOND,
        executor: 'local',
        hostname: 'worker-1',
        pid: 4_241,
        failure: JSON.stringify({ ...FAILURE, message: 'the first try failed, too' }),
      },
    ],
  ],
  [
    'xcom',
    [
      {
        dag_run_id: SUCCESS.id,
        task_id: 'extract',
        map_index: -1,
        key: 'return_value',
        value: '{"rows":[1,2,3]}',
        created_at: AT_NINE + 1_020,
      },
      { dag_run_id: FAILED.id, task_id: 'extract', map_index: -1, key: 'return_value', value: 'null', created_at: EXAMPLE_NOW - 2 * HOUR },
    ],
  ],
];

function dagRun(id: string, dagId: string, runId: string, more: Row) {
  return {
    id,
    dag_id: dagId,
    run_id: runId,
    run_type: 'manual',
    state: 'queued',
    triggered_by: 'rest_api',
    triggering_user: null,
    conf: '{}',
    note: null,
    logical_at: null,
    interval_start_at: null,
    interval_end_at: null,
    run_after_at: EXAMPLE_NOW,
    queued_at: EXAMPLE_NOW,
    started_at: null,
    ended_at: null,
    dag_version_id: VERSION_IDS.ordersVersion2,
    bundle_version: 'bundle-2',
    ...more,
  };
}

function taskInstance(number: number, run: { id: string; dagId: string; runId: string }, more: Row) {
  return {
    id: `019a0000-0000-7000-8000-0000000003${String(number).padStart(2, '0')}`,
    dag_run_id: run.id,
    dag_id: run.dagId,
    run_id: run.runId,
    task_id: 'extract',
    map_index: -1,
    state: 'none',
    epoch: 0,
    try_number: 0,
    max_tries: 3,
    losses: 0,
    operator: 'function',
    scheduled_at: null,
    queued_at: null,
    started_at: null,
    ended_at: null,
    retry_at: null,
    executor: null,
    hostname: null,
    pid: null,
    failure: null,
    ...more,
  };
}

function ranFor(seconds: number, startedAt: number): Row {
  return {
    epoch: 1,
    try_number: 1,
    scheduled_at: startedAt - 3,
    queued_at: startedAt - 2,
    started_at: startedAt,
    ended_at: startedAt + seconds * SECOND,
    executor: 'local',
    hostname: 'worker-1',
    pid: 4_242,
  };
}
