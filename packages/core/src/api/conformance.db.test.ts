import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
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
  { operation: 'get_xcom_entry', url: `${SUCCESSFUL_RUN}/taskInstances/extract/xcomEntries/return_value`, status: 200 },
  { operation: 'get_xcom_entry', url: `${SUCCESSFUL_RUN}/taskInstances/extract/xcomEntries/return_value?stringify=true`, status: 200 },
  { operation: 'get_xcom_entry', url: `${RUN}/taskInstances/extract/xcomEntries/return_value`, status: 200 },
  { operation: 'get_xcom_entry', url: `${TASK}/xcomEntries/return_value`, status: 404 },
  { operation: 'get_xcom_entry', url: `${TASK}/xcomEntries/return_value?map_index=-2`, status: 422 },
  { operation: 'get_import_errors', url: '/api/v2/importErrors?order_by=-timestamp', status: 200 },
  { operation: 'get_import_errors', url: '/api/v2/importErrors?limit=-1', status: 422 },
  { operation: 'get_assets', url: '/api/v2/assets?only_active=false&order_by=-name', status: 200 },
  { operation: 'get_assets', url: '/api/v2/assets?only_active=sometimes', status: 422 },
  { operation: 'get_asset', url: '/api/v2/assets/1', status: 200 },
  { operation: 'get_asset', url: '/api/v2/assets/99', status: 404 },
  { operation: 'get_asset', url: '/api/v2/assets/one', status: 422 },
  { operation: 'get_asset_events', url: '/api/v2/assets/events?order_by=-timestamp', status: 200 },
  { operation: 'get_asset_events', url: '/api/v2/assets/events?timestamp_gte=2026-11-21T11:00:00Z&asset_id=1', status: 200 },
  { operation: 'get_asset_events', url: '/api/v2/assets/events?asset_id=one', status: 422 },
  { operation: 'create_asset_event', url: '/api/v2/assets/events', status: 200, as: 'op', body: { asset_id: 1, extra: { total: 4 } } },
  { operation: 'create_asset_event', url: '/api/v2/assets/events', status: 403, as: 'user', body: { asset_id: 1 } },
  { operation: 'create_asset_event', url: '/api/v2/assets/events', status: 404, as: 'op', body: { asset_id: 99 } },
  { operation: 'create_asset_event', url: '/api/v2/assets/events', status: 422, as: 'op', body: { asset_id: '1', partition_key: 'p' } },
];

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
    running = await startTestServer({ database, users: [{ username: 'admin', role: 'admin', dags: 'all' }] });
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
      method: found?.method === 'POST' || found?.method === 'PATCH' ? found.method : 'GET',
      url,
      headers: as === 'nobody' ? {} : headersOf(as),
      ...(body === undefined ? {} : { payload: body }),
    });
    expect(errors).toEqual([]);
    expect({ status: response.statusCode, body: response.body }).toMatchObject({ status });
    expect(response.headers['content-type']).toMatch(/^application\/json\b/);
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
