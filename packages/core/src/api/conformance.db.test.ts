import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { defineStatement } from '../store/database.ts';
import { insertExampleRows } from '../store/reads/testing/example-rows.ts';
import { describeDatabases } from '../store/testing/describe-databases.ts';
import type { Role } from './auth/principal.ts';
import { ROUTES } from './routes.ts';
import { readAirflowOperations } from './testing/openapi-document.ts';
import { TEST_PASSWORD, startTestServer, type TestServer } from './testing/test-server.ts';

const OPERATIONS = readAirflowOperations();
/** Routes that are Airflow's: the others have an operation id that Airflow does not know. */
const AIRFLOW_ROUTES = ROUTES.filter(({ operationId }) => OPERATIONS.has(operationId));

/** One request, and the status that it is answered with. */
interface Case {
  readonly operation: string;
  readonly url: string;
  readonly status: number;
  readonly as?: Role | 'nobody';
  readonly body?: object;
}

const DAG = '/api/v2/dags/orders';
const RUN = `${DAG}/dagRuns/manual__1`;
const TASK = `${RUN}/taskInstances/total`;
const BACKFILL = { dag_id: 'orders', from_date: '2026-11-01T00:00:00Z', to_date: '2026-11-03T00:00:00Z', dag_run_conf: null };
/** A run of a dag with a group. */
const GROUPED_RUN = '/api/v2/dags/profiles/dagRuns/asset_triggered__abc';
const SUCCESSFUL_RUN = `${DAG}/dagRuns/scheduled__2026-11-21T09:00:00+00:00`;

const CASES: readonly Case[] = [
  { operation: 'create_token', url: '/auth/token', status: 401, as: 'nobody', body: { username: 'admin', password: 'wrong' } },
  { operation: 'create_token', url: '/auth/token', status: 422, as: 'nobody', body: { username: 'admin' } },
  { operation: 'create_token_cli', url: '/auth/token/cli', status: 401, as: 'nobody', body: { username: 'no', password: 'no' } },
  { operation: 'create_token_cli', url: '/auth/token/cli', status: 422, as: 'nobody', body: { username: 1, password: 'x', more: true } },
  { operation: 'get_version', url: '/api/v2/version', status: 200, as: 'nobody' },
  { operation: 'get_health', url: '/api/v2/monitor/health', status: 200, as: 'nobody' },
  { operation: 'get_dags', url: '/api/v2/dags', status: 200 },
  { operation: 'get_dags', url: '/api/v2/dags?exclude_stale=false&order_by=-last_run_state&order_by=dag_id&limit=2&offset=1', status: 200 },
  { operation: 'get_dags', url: '/api/v2/dags?tags=etl&tags=other&paused=false&dag_id_pattern=o', status: 200 },
  { operation: 'get_dags', url: '/api/v2/dags', status: 401, as: 'nobody' },
  { operation: 'get_dags', url: '/api/v2/dags?limit=many&paused=perhaps&last_dag_run_state=lost', status: 422 },
  { operation: 'get_dags', url: '/api/v2/dags?is_favorite=true', status: 422 },
  { operation: 'get_dag', url: DAG, status: 200 },
  { operation: 'get_dag', url: '/api/v2/dags/gone', status: 200 },
  { operation: 'get_dag', url: '/api/v2/dags/no-such-dag', status: 404 },
  { operation: 'get_dag', url: DAG, status: 401, as: 'nobody' },
  { operation: 'patch_dag', url: `${DAG}?update_mask=is_paused`, status: 200, body: { is_paused: true } },
  { operation: 'patch_dag', url: `${DAG}?update_mask=tags`, status: 400, body: { is_paused: true } },
  { operation: 'patch_dag', url: DAG, status: 403, as: 'viewer', body: { is_paused: true } },
  { operation: 'patch_dag', url: '/api/v2/dags/no-such-dag', status: 404, body: { is_paused: true } },
  { operation: 'patch_dag', url: DAG, status: 422, body: { is_paused: 'yes' } },
  { operation: 'get_dag_runs', url: `${DAG}/dagRuns`, status: 200 },
  { operation: 'get_dag_runs', url: '/api/v2/dags/~/dagRuns?order_by=-run_after&state=failed&state=success&duration_gte=0.5', status: 200 },
  {
    operation: 'get_dag_runs',
    url: `${DAG}/dagRuns?run_after_gte=2026-11-21T10:00:00Z&logical_date_lt=2026-11-22&dag_version=2`,
    status: 200,
  },
  { operation: 'get_dag_runs', url: `${DAG}/dagRuns?order_by=secret`, status: 400 },
  { operation: 'get_dag_runs', url: '/api/v2/dags/no-such-dag/dagRuns', status: 404 },
  { operation: 'get_dag_runs', url: `${DAG}/dagRuns?state=lost&start_date_gte=yesterday&duration_gt=long&dag_version=two`, status: 422 },
  { operation: 'get_dag_run', url: RUN, status: 200 },
  { operation: 'get_dag_run', url: SUCCESSFUL_RUN, status: 200 },
  { operation: 'get_dag_run', url: `${DAG}/dagRuns/no-such-run`, status: 404 },
  { operation: 'trigger_dag_run', url: `${DAG}/dagRuns`, status: 200, body: { logical_date: null } },
  {
    operation: 'trigger_dag_run',
    url: `${DAG}/dagRuns`,
    status: 200,
    body: {
      dag_run_id: 'by-hand',
      logical_date: '2026-11-20T00:00:00+01:00',
      data_interval_start: '2026-11-19T00:00:00Z',
      data_interval_end: '2026-11-20T00:00:00Z',
      run_after: '2026-11-21T13:00:00.25Z',
      conf: { limit: 3, more: [1, null] },
      note: 'why',
    },
  },
  { operation: 'trigger_dag_run', url: `${DAG}/dagRuns`, status: 400, body: { logical_date: null, conf: { limit: 'many' } } },
  { operation: 'trigger_dag_run', url: '/api/v2/dags/broken/dagRuns', status: 400, body: { logical_date: null } },
  { operation: 'trigger_dag_run', url: `${DAG}/dagRuns`, status: 403, as: 'viewer', body: { logical_date: null } },
  { operation: 'trigger_dag_run', url: '/api/v2/dags/no-such-dag/dagRuns', status: 404, body: { logical_date: null } },
  { operation: 'trigger_dag_run', url: `${DAG}/dagRuns`, status: 409, body: { logical_date: null, dag_run_id: 'manual__1' } },
  { operation: 'trigger_dag_run', url: `${DAG}/dagRuns`, status: 422, body: { conf: [] } },
  { operation: 'get_task_instances', url: `${RUN}/taskInstances`, status: 200 },
  {
    operation: 'get_task_instances',
    url: '/api/v2/dags/~/dagRuns/~/taskInstances?state=none&state=running&order_by=-start_date',
    status: 200,
  },
  { operation: 'get_task_instances', url: `${RUN}/taskInstances?order_by=pool`, status: 400 },
  { operation: 'get_task_instances', url: `${DAG}/dagRuns/no-such-run/taskInstances`, status: 404 },
  { operation: 'get_task_instances', url: `${RUN}/taskInstances?map_index=999999999999&pool=default_pool`, status: 422 },
  { operation: 'get_task_instances', url: `${RUN}/taskInstances?try_number=999999999999`, status: 422 },
  { operation: 'get_task_instance', url: TASK, status: 200 },
  { operation: 'get_task_instance', url: `${RUN}/taskInstances/no-such-task`, status: 404 },
  { operation: 'get_log', url: `${TASK}/logs/2`, status: 200 },
  { operation: 'get_log', url: `${TASK}/logs/1?full_content=true`, status: 200 },
  { operation: 'get_log', url: `${TASK}/logs/3`, status: 404 },
  { operation: 'get_log', url: `${TASK}/logs/-1`, status: 422 },
  { operation: 'get_dag_details', url: `${DAG}/details`, status: 200 },
  { operation: 'get_dag_details', url: '/api/v2/dags/profiles/details', status: 200 },
  { operation: 'get_dag_details', url: '/api/v2/dags/no-such-dag/details', status: 404 },
  { operation: 'get_dag_source', url: '/api/v2/dagSources/orders', status: 200 },
  { operation: 'get_dag_source', url: '/api/v2/dagSources/no-such-dag', status: 404 },
  { operation: 'delete_dag', url: '/api/v2/dags/nightly', status: 200 },
  { operation: 'delete_dag', url: DAG, status: 409 },
  { operation: 'delete_dag', url: '/api/v2/dags/no-such-dag', status: 404 },
  { operation: 'delete_dag', url: DAG, status: 403, as: 'user' },
  { operation: 'reparse_dag_file', url: '/api/v2/parseDagFile/b3JkZXJzLnRz', status: 404 },
  { operation: 'reparse_dag_file', url: `/api/v2/parseDagFile/${Buffer.from('known.ts').toString('base64url')}`, status: 201 },
  {
    operation: 'get_dag_versions',
    url: `${DAG}/dagVersions?order_by=-version_number&version_number=2&bundle_name=dags-folder`,
    status: 200,
  },
  { operation: 'get_dag_versions', url: '/api/v2/dags/~/dagVersions', status: 200 },
  { operation: 'get_dag_versions', url: '/api/v2/dags/no-such-dag/dagVersions', status: 404 },
  { operation: 'get_dag_versions', url: `${DAG}/dagVersions?version_number=two`, status: 422 },
  { operation: 'get_dag_version', url: `${DAG}/dagVersions/1`, status: 200 },
  { operation: 'get_dag_version', url: `${DAG}/dagVersions/3`, status: 404 },
  { operation: 'get_import_errors', url: '/api/v2/importErrors?bundle_name=dags-folder&filename=broken.ts', status: 200 },
  { operation: 'get_xcom_entry', url: `${SUCCESSFUL_RUN}/taskInstances/extract/xcomEntries/return_value`, status: 200 },
  { operation: 'get_xcom_entry', url: `${SUCCESSFUL_RUN}/taskInstances/extract/xcomEntries/return_value?stringify=true`, status: 200 },
  { operation: 'get_xcom_entry', url: `${RUN}/taskInstances/extract/xcomEntries/return_value`, status: 200 },
  { operation: 'get_xcom_entry', url: `${TASK}/xcomEntries/return_value`, status: 404 },
  { operation: 'get_xcom_entry', url: `${TASK}/xcomEntries/return_value?map_index=-2`, status: 422 },
  { operation: 'patch_dag_run', url: RUN, status: 200, body: { state: 'queued' } },
  { operation: 'patch_dag_run', url: `${RUN}?update_mask=state`, status: 200, body: { state: 'success', note: 'not written' } },
  { operation: 'patch_dag_run', url: `${DAG}/dagRuns/manual__2`, status: 200, body: { state: 'failed', note: 'enough' } },
  { operation: 'patch_dag_run', url: `${DAG}/dagRuns/no-such-run`, status: 404, body: { state: 'failed' } },
  { operation: 'patch_dag_run', url: RUN, status: 403, as: 'viewer', body: { state: 'failed' } },
  { operation: 'patch_dag_run', url: RUN, status: 422, body: { state: 'running', note: 'x'.repeat(1_001) } },
  { operation: 'clear_dag_run', url: `${RUN}/clear`, status: 200, body: {} },
  { operation: 'clear_dag_run', url: `${SUCCESSFUL_RUN}/clear`, status: 200, body: { only_new: true } },
  { operation: 'clear_dag_run', url: `${RUN}/clear`, status: 200, body: { dry_run: false, run_on_latest_version: true, note: 'again' } },
  { operation: 'clear_dag_run', url: `${DAG}/dagRuns/no-such-run/clear`, status: 404, body: {} },
  { operation: 'clear_dag_run', url: `${RUN}/clear`, status: 422, body: { only_new: true, only_failed: true } },
  { operation: 'delete_dag_run', url: RUN, status: 204 },
  { operation: 'delete_dag_run', url: RUN, status: 403, as: 'user' },
  { operation: 'delete_dag_run', url: `${DAG}/dagRuns/no-such-run`, status: 404 },
  { operation: 'delete_dag_run', url: `${DAG}/dagRuns/manual__2`, status: 409 },
  { operation: 'wait_dag_run_until_finished', url: `${RUN}/wait?interval=1`, status: 200 },
  { operation: 'wait_dag_run_until_finished', url: `${SUCCESSFUL_RUN}/wait?interval=0.5&result=extract&result=other`, status: 200 },
  { operation: 'wait_dag_run_until_finished', url: `${RUN}/wait?interval=0`, status: 422 },
  { operation: 'wait_dag_run_until_finished', url: `${DAG}/dagRuns/no-such-run/wait?interval=1`, status: 404 },
  { operation: 'post_clear_task_instances', url: `${DAG}/clearTaskInstances`, status: 200, body: {} },
  {
    operation: 'post_clear_task_instances',
    url: `${DAG}/clearTaskInstances`,
    status: 200,
    body: {
      dry_run: false,
      dag_run_id: 'manual__1',
      task_ids: ['total', ['load', -1]],
      include_downstream: true,
      include_past: true,
      note: 'why',
    },
  },
  { operation: 'post_clear_task_instances', url: `${DAG}/clearTaskInstances`, status: 400, body: { reset_dag_runs: false } },
  { operation: 'post_clear_task_instances', url: `${DAG}/clearTaskInstances`, status: 403, as: 'viewer', body: {} },
  { operation: 'post_clear_task_instances', url: `${DAG}/clearTaskInstances`, status: 404, body: { dag_run_id: 'no-such-run' } },
  { operation: 'post_clear_task_instances', url: `${DAG}/clearTaskInstances`, status: 404, body: { task_ids: ['no-such-task'] } },
  {
    operation: 'post_clear_task_instances',
    url: `${DAG}/clearTaskInstances`,
    status: 409,
    body: { dag_run_id: 'manual__2', only_failed: false, prevent_running_task: true },
  },
  { operation: 'post_clear_task_instances', url: `${DAG}/clearTaskInstances`, status: 422, body: { include_past: true } },
  { operation: 'post_clear_task_instances', url: `${DAG}/clearTaskInstances`, status: 422, body: { only_failed: 'yes', more: 1 } },
  { operation: 'get_mapped_task_instances', url: `${TASK}/listMapped?state=failed&pool=default_pool&order_by=-map_index`, status: 200 },
  { operation: 'get_mapped_task_instances', url: `${RUN}/taskInstances/no-such-task/listMapped`, status: 404 },
  { operation: 'get_mapped_task_instances', url: `${TASK}/listMapped?queue=default&try_number=x`, status: 422 },
  { operation: 'get_mapped_task_instance', url: `${TASK}/-1`, status: 200 },
  { operation: 'get_mapped_task_instance', url: `${TASK}/3`, status: 404 },
  { operation: 'patch_task_instance', url: TASK, status: 200, body: { new_state: 'success', note: 'by hand' } },
  { operation: 'patch_task_instance', url: `${TASK}?map_index=-1&update_mask=note`, status: 200, body: { note: null } },
  { operation: 'patch_task_instance', url: TASK, status: 400, body: {} },
  { operation: 'patch_task_instance', url: `${RUN}/taskInstances/no-such-task`, status: 404, body: { new_state: 'success' } },
  { operation: 'patch_task_instance', url: TASK, status: 409, body: { new_state: 'failed' } },
  { operation: 'patch_task_instance', url: TASK, status: 422, body: { new_state: 'running' } },
  {
    operation: 'patch_task_instance_by_map_index',
    url: `${TASK}/-1`,
    status: 200,
    body: { new_state: 'skipped', include_downstream: true },
  },
  { operation: 'patch_task_instance_by_map_index', url: `${TASK}/4`, status: 404, body: { new_state: 'skipped' } },
  { operation: 'patch_task_instance_dry_run', url: `${TASK}/dry_run`, status: 200, body: { new_state: 'success', include_future: true } },
  { operation: 'patch_task_instance_dry_run', url: `${TASK}/dry_run`, status: 422, body: { new_state: 'lost' } },
  { operation: 'patch_task_instance_dry_run_by_map_index', url: `${TASK}/-1/dry_run`, status: 200, body: { new_state: 'success' } },
  { operation: 'patch_task_group_instances', url: `${GROUPED_RUN}/taskGroupInstances/report`, status: 200, body: { new_state: 'failed' } },
  { operation: 'patch_task_group_instances', url: `${GROUPED_RUN}/taskGroupInstances/other`, status: 404, body: { new_state: 'failed' } },
  {
    operation: 'patch_task_group_instances_dry_run',
    url: `${GROUPED_RUN}/taskGroupInstances/report/dry_run`,
    status: 200,
    body: { new_state: 'failed' },
  },
  { operation: 'get_task_instance_tries', url: `${TASK}/tries`, status: 200 },
  { operation: 'get_task_instance_tries', url: `${TASK}/tries?map_index=1`, status: 404 },
  { operation: 'get_mapped_task_instance_tries', url: `${TASK}/-1/tries`, status: 200 },
  { operation: 'get_task_instance_try_details', url: `${TASK}/tries/1`, status: 200 },
  { operation: 'get_task_instance_try_details', url: `${TASK}/tries/9`, status: 404 },
  { operation: 'get_mapped_task_instance_try_details', url: `${TASK}/-1/tries/2`, status: 200 },
  { operation: 'get_task_instance_dependencies', url: `${RUN}/taskInstances/load/dependencies`, status: 200 },
  { operation: 'get_task_instance_dependencies', url: `${RUN}/taskInstances/no-such-task/dependencies`, status: 404 },
  { operation: 'get_task_instance_dependencies_by_map_index', url: `${RUN}/taskInstances/load/-1/dependencies`, status: 200 },
  { operation: 'get_xcom_entries', url: '/api/v2/dags/~/dagRuns/~/taskInstances/~/xcomEntries?order_by=-timestamp', status: 200 },
  { operation: 'get_xcom_entries', url: `${RUN}/taskInstances/extract/xcomEntries?xcom_key_pattern=ret&map_index=-1`, status: 200 },
  { operation: 'get_xcom_entries', url: '/api/v2/dags/no-such-dag/dagRuns/~/taskInstances/~/xcomEntries', status: 404 },
  { operation: 'get_xcom_entries', url: `${RUN}/taskInstances/extract/xcomEntries?limit=-1`, status: 422 },
  { operation: 'create_xcom_entry', url: `${TASK}/xcomEntries`, status: 201, as: 'op', body: { key: 'count', value: { rows: [1, null] } } },
  { operation: 'create_xcom_entry', url: `${TASK}/xcomEntries`, status: 403, as: 'user', body: { key: 'count', value: 1 } },
  { operation: 'create_xcom_entry', url: `${RUN}/taskInstances/none/xcomEntries`, status: 404, body: { key: 'count', value: 1 } },
  { operation: 'create_xcom_entry', url: `${RUN}/taskInstances/extract/xcomEntries`, status: 409, body: { key: 'return_value', value: 1 } },
  { operation: 'create_xcom_entry', url: `${TASK}/xcomEntries`, status: 422, body: { key: '' } },
  { operation: 'update_xcom_entry', url: `${RUN}/taskInstances/extract/xcomEntries/return_value`, status: 200, body: { value: 'new' } },
  { operation: 'update_xcom_entry', url: `${RUN}/taskInstances/extract/xcomEntries/other`, status: 404, body: { value: 1 } },
  { operation: 'delete_xcom_entry', url: `${RUN}/taskInstances/extract/xcomEntries/return_value`, status: 204 },
  { operation: 'delete_xcom_entry', url: `${RUN}/taskInstances/extract/xcomEntries/other`, status: 404 },
  { operation: 'get_pools', url: '/api/v2/pools?order_by=-slots&pool_name_pattern=def', status: 200 },
  { operation: 'get_pools', url: '/api/v2/pools', status: 401, as: 'nobody' },
  { operation: 'get_pools', url: '/api/v2/pools?limit=x', status: 422 },
  { operation: 'get_pool', url: '/api/v2/pools/default_pool', status: 200 },
  { operation: 'get_pool', url: '/api/v2/pools/no-such-pool', status: 404 },
  { operation: 'post_pool', url: '/api/v2/pools', status: 201, as: 'op', body: { name: 'etl', slots: -1, include_deferred: true } },
  { operation: 'post_pool', url: '/api/v2/pools', status: 403, as: 'user', body: { name: 'etl', slots: 1 } },
  { operation: 'post_pool', url: '/api/v2/pools', status: 409, body: { name: 'default_pool', slots: 1 } },
  { operation: 'post_pool', url: '/api/v2/pools', status: 422, body: { name: '', slots: -2 } },
  {
    operation: 'patch_pool',
    url: '/api/v2/pools/default_pool?update_mask=slots',
    status: 200,
    body: { slots: 3, description: 'not written' },
  },
  { operation: 'patch_pool', url: '/api/v2/pools/default_pool', status: 400, body: { description: 'mine' } },
  { operation: 'patch_pool', url: '/api/v2/pools/default_pool', status: 400, body: { name: 'other', slots: 1 } },
  { operation: 'patch_pool', url: '/api/v2/pools/no-such-pool', status: 404, body: { slots: 1 } },
  { operation: 'patch_pool', url: '/api/v2/pools/default_pool', status: 422, body: { slots: 'many' } },
  { operation: 'delete_pool', url: '/api/v2/pools/loads', status: 204, as: 'op' },
  { operation: 'delete_pool', url: '/api/v2/pools/loads', status: 403, as: 'user' },
  { operation: 'delete_pool', url: '/api/v2/pools/default_pool', status: 400 },
  { operation: 'delete_pool', url: '/api/v2/pools/no-such-pool', status: 404 },
  { operation: 'get_import_errors', url: '/api/v2/importErrors?order_by=-timestamp', status: 200 },
  { operation: 'get_import_errors', url: '/api/v2/importErrors?limit=-1', status: 422 },
  { operation: 'get_assets', url: '/api/v2/assets?only_active=false&order_by=-name', status: 200 },
  { operation: 'get_assets', url: '/api/v2/assets?only_active=sometimes', status: 422 },
  { operation: 'get_asset', url: '/api/v2/assets/1', status: 200 },
  { operation: 'get_asset', url: '/api/v2/assets/99', status: 404 },
  { operation: 'get_asset', url: '/api/v2/assets/one', status: 422 },
  { operation: 'get_asset_aliases', url: '/api/v2/assets/aliases?order_by=-name&name_pattern=%25', status: 200 },
  { operation: 'get_asset_aliases', url: '/api/v2/assets/aliases?limit=many', status: 422 },
  { operation: 'get_asset_alias', url: '/api/v2/assets/aliases/1', status: 200 },
  { operation: 'get_asset_alias', url: '/api/v2/assets/aliases/99', status: 404 },
  { operation: 'get_asset_alias', url: '/api/v2/assets/aliases/one', status: 422 },
  { operation: 'materialize_asset', url: '/api/v2/assets/2/materialize', status: 200, as: 'op', body: { conf: { limit: 3 } } },
  { operation: 'materialize_asset', url: '/api/v2/assets/2/materialize', status: 400, as: 'op', body: { conf: { limit: 'many' } } },
  { operation: 'materialize_asset', url: '/api/v2/assets/2/materialize', status: 403, as: 'viewer', body: {} },
  { operation: 'materialize_asset', url: '/api/v2/assets/1/materialize', status: 404, as: 'op', body: {} },
  { operation: 'materialize_asset', url: '/api/v2/assets/2/materialize', status: 422, as: 'op', body: { conf: [] } },
  { operation: 'get_asset_queued_events', url: '/api/v2/assets/1/queuedEvents?before=2030-01-01T00:00:00Z', status: 200 },
  { operation: 'get_asset_queued_events', url: '/api/v2/assets/1/queuedEvents?before=soon', status: 422 },
  { operation: 'delete_asset_queued_events', url: '/api/v2/assets/2/queuedEvents', status: 204, as: 'op' },
  { operation: 'delete_asset_queued_events', url: '/api/v2/assets/1/queuedEvents', status: 404, as: 'op' },
  { operation: 'delete_asset_queued_events', url: '/api/v2/assets/1/queuedEvents', status: 403, as: 'viewer' },
  { operation: 'get_dag_asset_queued_events', url: `${DAG}/assets/queuedEvents`, status: 200 },
  { operation: 'delete_dag_asset_queued_events', url: `${DAG}/assets/queuedEvents`, status: 204, as: 'op' },
  { operation: 'delete_dag_asset_queued_events', url: '/api/v2/dags/profiles/assets/queuedEvents', status: 404, as: 'op' },
  { operation: 'get_dag_asset_queued_event', url: `${DAG}/assets/2/queuedEvents`, status: 200 },
  { operation: 'get_dag_asset_queued_event', url: `${DAG}/assets/1/queuedEvents`, status: 404 },
  { operation: 'delete_dag_asset_queued_event', url: `${DAG}/assets/2/queuedEvents`, status: 204, as: 'op' },
  { operation: 'delete_dag_asset_queued_event', url: `${DAG}/assets/1/queuedEvents`, status: 404, as: 'op' },
  { operation: 'list_dag_warnings', url: '/api/v2/dagWarnings?dag_id=orders&warning_type=asset%20conflict', status: 200 },
  { operation: 'list_dag_warnings', url: '/api/v2/dagWarnings?warning_type=other', status: 422 },
  { operation: 'get_asset_events', url: '/api/v2/assets/events?order_by=-timestamp', status: 200 },
  { operation: 'get_asset_events', url: '/api/v2/assets/events?timestamp_gte=2026-11-21T11:00:00Z&asset_id=1', status: 200 },
  { operation: 'get_asset_events', url: '/api/v2/assets/events?asset_id=one', status: 422 },
  { operation: 'create_asset_event', url: '/api/v2/assets/events', status: 200, as: 'op', body: { asset_id: 1, extra: { total: 4 } } },
  { operation: 'create_asset_event', url: '/api/v2/assets/events', status: 403, as: 'user', body: { asset_id: 1 } },
  { operation: 'create_asset_event', url: '/api/v2/assets/events', status: 404, as: 'op', body: { asset_id: 99 } },
  { operation: 'create_asset_event', url: '/api/v2/assets/events', status: 422, as: 'op', body: { asset_id: '1', partition_key: 'p' } },
  { operation: 'get_variables', url: '/api/v2/variables?order_by=-key&variable_key_pattern=e', status: 200 },
  { operation: 'get_variables', url: '/api/v2/variables?limit=x', status: 422 },
  { operation: 'get_variables', url: '/api/v2/variables', status: 403, as: 'user' },
  { operation: 'get_variable', url: '/api/v2/variables/example_region', status: 200 },
  { operation: 'get_variable', url: '/api/v2/variables/none', status: 404 },
  { operation: 'post_variable', url: '/api/v2/variables', status: 201, body: { key: 'new', value: { a: 1 }, description: 'why' } },
  { operation: 'post_variable', url: '/api/v2/variables', status: 409, body: { key: 'example_region', value: 'x' } },
  { operation: 'post_variable', url: '/api/v2/variables', status: 422, body: { key: 'new' } },
  { operation: 'patch_variable', url: '/api/v2/variables/example_region', status: 200, body: { key: 'example_region', value: 'us' } },
  { operation: 'patch_variable', url: '/api/v2/variables/example_region', status: 400, body: { key: 'other', value: 'us' } },
  { operation: 'patch_variable', url: '/api/v2/variables/none', status: 404, body: { key: 'none', value: 'us' } },
  { operation: 'delete_variable', url: '/api/v2/variables/example_region', status: 204 },
  { operation: 'delete_variable', url: '/api/v2/variables/none', status: 404 },
  {
    operation: 'bulk_variables',
    url: '/api/v2/variables',
    status: 200,
    body: {
      actions: [
        { action: 'create', entities: [{ key: 'example_region', value: 'x' }] },
        { action: 'delete', entities: ['example_region'] },
      ],
    },
  },
  { operation: 'bulk_variables', url: '/api/v2/variables', status: 422, body: { actions: [{ action: 'destroy' }] } },
  { operation: 'get_connections', url: '/api/v2/connections?order_by=-conn_type&connection_id_prefix_pattern=e', status: 200 },
  { operation: 'get_connections', url: '/api/v2/connections?offset=-1', status: 422 },
  { operation: 'get_connection', url: '/api/v2/connections/example_db', status: 200 },
  { operation: 'get_connection', url: '/api/v2/connections/none', status: 404 },
  {
    operation: 'post_connection',
    url: '/api/v2/connections',
    status: 201,
    body: {
      connection_id: 'new',
      conn_type: 'http',
      host: 'h',
      login: 'l',
      password: 'secret-1',
      port: 80,
      schema: 's',
      extra: '{"a": 1}',
      description: null,
    },
  },
  { operation: 'post_connection', url: '/api/v2/connections', status: 409, body: { connection_id: 'example_db', conn_type: 'http' } },
  { operation: 'post_connection', url: '/api/v2/connections', status: 422, body: { connection_id: 'new id', conn_type: 'http' } },
  {
    operation: 'patch_connection',
    url: '/api/v2/connections/example_db?update_mask=host',
    status: 200,
    body: { connection_id: 'example_db', conn_type: 'http', host: 'h' },
  },
  { operation: 'patch_connection', url: '/api/v2/connections/example_db', status: 400, body: { connection_id: 'x', conn_type: 'http' } },
  { operation: 'patch_connection', url: '/api/v2/connections/none', status: 404, body: { connection_id: 'none', conn_type: 'http' } },
  { operation: 'delete_connection', url: '/api/v2/connections/example_db', status: 204 },
  { operation: 'delete_connection', url: '/api/v2/connections/none', status: 404 },
  {
    operation: 'bulk_connections',
    url: '/api/v2/connections',
    status: 200,
    body: { actions: [{ action: 'update', entities: [{ connection_id: 'example_db', conn_type: 'http' }] }] },
  },
  { operation: 'bulk_connections', url: '/api/v2/connections', status: 422, body: { actions: 'all' } },
  { operation: 'get_config', url: '/api/v2/config?section=log', status: 200 },
  { operation: 'get_config', url: '/api/v2/config?section=none', status: 404 },
  { operation: 'get_config_value', url: '/api/v2/config/section/log/option/level', status: 200 },
  { operation: 'get_config_value', url: '/api/v2/config/section/log/option/none', status: 404 },
  { operation: 'list_backfills', url: '/api/v2/backfills?dag_id=orders&order_by=-id', status: 200 },
  { operation: 'list_backfills', url: '/api/v2/backfills', status: 422 },
  { operation: 'list_backfills', url: '/api/v2/backfills?dag_id=orders', status: 401, as: 'nobody' },
  { operation: 'get_backfill', url: '/api/v2/backfills/1', status: 200 },
  { operation: 'get_backfill', url: '/api/v2/backfills/99', status: 404 },
  { operation: 'get_backfill', url: '/api/v2/backfills/one', status: 422 },
  { operation: 'create_backfill', url: '/api/v2/backfills', status: 200, body: { ...BACKFILL, dag_id: 'nightly' } },
  { operation: 'create_backfill', url: '/api/v2/backfills', status: 400, body: { ...BACKFILL, dag_id: 'gone' } },
  { operation: 'create_backfill', url: '/api/v2/backfills', status: 403, as: 'viewer', body: BACKFILL },
  { operation: 'create_backfill', url: '/api/v2/backfills', status: 404, body: { ...BACKFILL, dag_id: 'no-such-dag' } },
  { operation: 'create_backfill', url: '/api/v2/backfills', status: 409, body: BACKFILL },
  { operation: 'create_backfill', url: '/api/v2/backfills', status: 422, body: { dag_id: 'nightly', reprocess_behavior: 'all' } },
  {
    operation: 'create_backfill',
    url: '/api/v2/backfills',
    status: 422,
    body: { ...BACKFILL, dag_id: 'nightly', from_date: '2999-01-01', to_date: '2999-01-02' },
  },
  { operation: 'create_backfill_dry_run', url: '/api/v2/backfills/dry_run', status: 200, body: { ...BACKFILL, dag_id: 'nightly' } },
  { operation: 'create_backfill_dry_run', url: '/api/v2/backfills/dry_run', status: 404, body: { ...BACKFILL, dag_id: 'no-such-dag' } },
  { operation: 'create_backfill_dry_run', url: '/api/v2/backfills/dry_run', status: 409, body: BACKFILL },
  { operation: 'pause_backfill', url: '/api/v2/backfills/1/pause', status: 200 },
  { operation: 'pause_backfill', url: '/api/v2/backfills/2/pause', status: 409 },
  { operation: 'pause_backfill', url: '/api/v2/backfills/99/pause', status: 404 },
  { operation: 'pause_backfill', url: '/api/v2/backfills/1/pause', status: 403, as: 'viewer' },
  { operation: 'unpause_backfill', url: '/api/v2/backfills/1/unpause', status: 200 },
  { operation: 'unpause_backfill', url: '/api/v2/backfills/2/unpause', status: 409 },
  { operation: 'unpause_backfill', url: '/api/v2/backfills/99/unpause', status: 404 },
  { operation: 'cancel_backfill', url: '/api/v2/backfills/1/cancel', status: 200 },
  { operation: 'cancel_backfill', url: '/api/v2/backfills/2/cancel', status: 409 },
  { operation: 'cancel_backfill', url: '/api/v2/backfills/99/cancel', status: 404 },
];

const addDagFile = defineStatement<never, []>(
  'test_add_dag_file',
  () => `insert into dag_file (path, content_hash, dependencies, warnings, parsed_at) values ('known.ts', '', '{}', '[]', 1)`,
  () => [],
);

describe('the route table and the OpenAPI document', () => {
  test.each(AIRFLOW_ROUTES)('$operationId stands at the method and path of the document', ({ operationId, method, url }) => {
    const operation = OPERATIONS.get(operationId);
    expect({ method, url }).toEqual({ method: operation?.method, url: operation?.path });
  });

  test.each(AIRFLOW_ROUTES)('$operationId serves each query parameter of the document, or refuses it', (route) => {
    const documented = OPERATIONS.get(route.operationId)?.queryParameters ?? [];
    expect([...route.queryParameters, ...route.unservedParameters].toSorted()).toEqual(documented.toSorted());
  });

  test.each(AIRFLOW_ROUTES)('$operationId asks for a token where the document does', ({ operationId, policy }) => {
    expect(policy.kind !== 'public').toBe(OPERATIONS.get(operationId)?.isSecured);
  });

  test.each(AIRFLOW_ROUTES)('$operationId is held against the document below', ({ operationId }) => {
    const statuses = CASES.filter((each) => each.operation === operationId).map((each) => each.status);
    expect(statuses.some((status) => status < 300) || operationId.startsWith('create_token')).toBe(true);
  });
});

describeDatabases('every answer of the API', (open) => {
  let running: TestServer | undefined;
  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  const start = async (): Promise<TestServer> => {
    const database = await open();
    await insertExampleRows(database);
    await database.batch([addDagFile()]);
    const dagFiles = { reread: () => Promise.resolve(), readSource: () => Promise.resolve('export {};\n') };
    running = await startTestServer({ database, users: [{ username: 'admin', role: 'admin', dags: 'all' }], dagFiles });
    const logFolder = path.join(running.logsFolder, 'dag_id=orders/run_id=manual__1/task_id=total');
    await mkdir(logFolder, { recursive: true });
    const record = { timestamp: '2026-11-21T12:00:00.000Z', level: 'info', event: 'begun', logger: 'task', rows: 3 };
    await writeFile(path.join(logFolder, 'attempt=2.log'), `${JSON.stringify(record)}\nnot a record\n`);
    return running;
  };

  test.each(CASES)('$operation answers $status to $url, as the document says', async ({ operation, url, status, as = 'admin', body }) => {
    const { server, as: headersOf, errors } = await start();
    const found = OPERATIONS.get(operation);
    const response = await server.inject({
      method: (found?.method ?? 'GET') as 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
      url,
      headers: as === 'nobody' ? {} : headersOf(as),
      ...(body === undefined ? {} : { payload: body }),
    });
    expect(errors).toEqual([]);
    expect({ status: response.statusCode, body: response.body }).toMatchObject({ status });
    if (status === 204) {
      expect(response.body).toBe('');
      return;
    }
    expect(response.headers['content-type']).toMatch(/^application\/(json|x-ndjson)\b/);
    expect(found?.check(status, response.json())).toEqual([]);
  });

  test('create_token answers 201 with a token that works, as the document says', async () => {
    const { server } = await start();
    for (const url of ['/auth/token', '/auth/token/cli']) {
      const response = await server.inject({
        method: 'POST',
        url,
        payload: { username: 'admin', password: TEST_PASSWORD },
      });
      expect(response.statusCode).toBe(201);
      expect(OPERATIONS.get('create_token')?.check(201, response.json())).toEqual([]);
      const { access_token: token } = response.json<{ access_token: string }>();
      const listed = await server.inject({ url: '/api/v2/dags', headers: { authorization: `Bearer ${token}` } });
      expect(listed.statusCode).toBe(200);
    }
  });
});
