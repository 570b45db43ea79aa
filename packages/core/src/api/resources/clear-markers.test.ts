import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { EXAMPLE_NOW } from '../../store/reads/testing/example-time.ts';
import { openSqlite } from '../../store/sqlite-database.ts';
import { serializedTask } from '../../store/testing/serialized-dag.ts';
import { storeDag, storeRun } from '../../store/testing/stored-run.ts';
import { startTestServer, TEST_PASSWORD, type TestServer } from '../testing/test-server.ts';

const CLEAR = '/api/v2/dags/orders/clearTaskInstances';
const USERS = [{ username: 'ada', role: 'user', dags: ['orders'] }] as const;

let database: Database;
let running: TestServer;

beforeEach(async () => {
  database = openSqlite({ file: ':memory:', now: () => EXAMPLE_NOW });
  await migrate(database, EXAMPLE_NOW);
  const fields = { dagId: 'report', taskId: 'wait', recursionDepth: 10 };
  const orders = [serializedTask('feeds', { operator: 'external_task_marker', fields })];
  await storeRunOf('orders', await storeDag(database, orders), 'feeds');
  await storeRunOf('report', await storeDag(database, [serializedTask('wait')], 'one', 'report'), 'wait');
  running = await startTestServer({ database, users: USERS });
});

afterEach(async () => {
  await running.close();
  await database.close();
});

async function storeRunOf(dagId: string, dagVersionId: string, taskId: string): Promise<void> {
  const instances = { [taskId]: 'success' } as const;
  await storeRun(database, { id: `${dagId}-run`, dagId, dagVersionId, state: 'success', instances, changes: { logical_at: EXAMPLE_NOW } });
}

async function ask(url: string, payload: object, headers: { readonly authorization: string } = running.as('admin')) {
  const response = await running.server.inject({ method: url.endsWith('-run') ? 'PATCH' : 'POST', url, payload, headers });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}

async function clearedTasks(): Promise<readonly string[]> {
  const rows = await database.reads.selectFrom('taskInstance').select('id').where('state', '=', 'none').orderBy('id').execute();
  return rows.map(({ id }) => id);
}

test('every clear follows markers into runs of other dags, and a dry run says so', async () => {
  const expected = [
    { dag_id: 'orders', task_id: 'feeds' },
    { dag_id: 'report', task_id: 'wait' },
  ];
  const body = { dag_run_id: 'orders-run', only_failed: false };
  expect(await ask(CLEAR, body)).toMatchObject({ status: 200, body: { task_instances: expected, total_entries: 2 } });
  const run = '/api/v2/dags/orders/dagRuns/orders-run';
  expect(await ask(`${run}/clear`, {})).toMatchObject({ body: { task_instances: expected, total_entries: 2 } });
  expect(await clearedTasks()).toEqual([]);
  expect(running.wakes()).toBe(0);
  expect(await ask(CLEAR, { ...body, dry_run: false })).toMatchObject({ body: { task_instances: expected } });
  expect(await clearedTasks()).toEqual(['orders-run.feeds', 'report-run.wait']);
  expect(running.wakes()).toBe(1);
});

test('a run that somebody lets run again clears what its markers stand for', async () => {
  expect(await ask('/api/v2/dags/orders/dagRuns/orders-run', { state: 'queued' })).toMatchObject({
    status: 200,
    body: { state: 'queued' },
  });
  expect(await clearedTasks()).toEqual(['orders-run.feeds', 'report-run.wait']);
});

test('nothing is cleared for somebody who has no access to a dag that a marker leads to', async () => {
  const token = await running.server.inject({ method: 'POST', url: '/auth/token', payload: { username: 'ada', password: TEST_PASSWORD } });
  const ada = { authorization: `Bearer ${token.json<{ access_token: string }>().access_token}` };
  const detail = 'Forbidden: a marker leads to a dag that you have no access to. Nothing is cleared.';
  for (const [url, body] of [
    [CLEAR, { dag_run_id: 'orders-run', only_failed: false, dry_run: false }],
    ['/api/v2/dags/orders/dagRuns/orders-run/clear', { dry_run: false }],
    ['/api/v2/dags/orders/dagRuns/orders-run', { state: 'queued' }],
  ] as const) {
    expect(await ask(url, body, ada)).toMatchObject({ status: 403, body: { detail } });
  }
  expect(await clearedTasks()).toEqual([]);
});
