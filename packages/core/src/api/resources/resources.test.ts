import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startExampleServer } from '../testing/example-server.ts';
import type { TestServer } from '../testing/test-server.ts';

let running: TestServer;

beforeEach(async () => {
  running = await startExampleServer();
});

afterEach(async () => {
  await running.close();
});

async function get<Body>(url: string, as: 'viewer' | 'op' = 'viewer'): Promise<Body> {
  const response = await running.server.inject({ url, headers: running.as(as) });
  expect({ status: response.statusCode, body: response.body }).toMatchObject({ status: 200 });
  return response.json<Body>();
}

describe('a list', () => {
  test('has at most a hundred rows, however many are asked for', async () => {
    const rows = Array.from({ length: 130 }, (_, index) => `('v${index}', 'many-${index}', 1, 'x', 'b', '{}', 1)`);
    const versions = `insert into dag_version (id, dag_id, version_number, content_hash, bundle_version, serialized, created_at) values ${rows.join()}`;
    const dags = `insert into dag (dag_id, file, is_paused, is_stale, dag_version_id, bundle_version, tags, schedule, catchup, max_active_runs,
      max_active_tasks, parsed_at, parse_ms, created_at) select dag_id, 'many.ts', 0, 0, id, 'b', '[]', '{"kind":"none"}', 0, 1, 1, 1, 1, 1
      from dag_version where dag_id like 'many-%'`;
    await running.database.batch([versions, dags].map((text, index) => ({ name: `many ${index}`, text: () => text, values: [] })));
    const { dags: listed, total_entries: total } = await get<{ dags: unknown[]; total_entries: number }>('/api/v2/dags?limit=500');
    expect([listed.length, total]).toEqual([100, 134]);
    expect((await get<{ dags: unknown[] }>('/api/v2/dags')).dags).toHaveLength(50);
    expect((await get<{ dags: unknown[] }>('/api/v2/dags?limit=0')).dags).toHaveLength(0);
    expect((await get<{ dags: unknown[] }>('/api/v2/dags?limit=100&offset=100')).dags).toHaveLength(34);
  });

  test('ignores parameters that Airflow does not know', async () => {
    expect(await get('/api/v2/dags?no_such_parameter=1')).toMatchObject({ total_entries: 4 });
  });

  test('refuses parameters of Airflow that it does not serve, and says so', async () => {
    const response = await running.server.inject({ url: '/api/v2/dags/~/dagRuns?cursor=', headers: running.as('viewer') });
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ detail: [{ loc: ['query', 'cursor'], type: 'unsupported' }] });
  });

  test('counts the last of a parameter that is repeated by mistake', async () => {
    expect(await get('/api/v2/dags?limit=1&limit=2')).toMatchObject({ dags: [{}, {}] });
  });

  test('refuses more than ten criteria of an order', async () => {
    const url = `/api/v2/dags?${Array.from({ length: 11 }, () => 'order_by=dag_id').join('&')}`;
    expect((await running.server.inject({ url, headers: running.as('viewer') })).statusCode).toBe(400);
  });

  test('names every parameter that does not fit', async () => {
    const response = await running.server.inject({ url: '/api/v2/dags?limit=x&paused=x&offset=-1', headers: running.as('viewer') });
    expect(response.json()).toEqual({
      detail: [
        {
          type: 'int_parsing',
          loc: ['query', 'limit'],
          msg: 'Input should be a valid integer, unable to parse string as an integer',
          input: 'x',
        },
        { type: 'greater_than_equal', loc: ['query', 'offset'], msg: 'Input should be greater than or equal to 0', input: '-1' },
        { type: 'bool_parsing', loc: ['query', 'paused'], msg: 'Input should be a valid boolean, unable to interpret input', input: 'x' },
      ],
    });
  });
});

describe('a task instance', () => {
  test('about which nothing is decided has the state null', async () => {
    expect(await get('/api/v2/dags/orders/dagRuns/manual__2/taskInstances/total')).toMatchObject({ state: null, try_number: 0 });
    expect(await get('/api/v2/dags/~/dagRuns/~/taskInstances?state=no_status')).toMatchObject({ total_entries: 1 });
  });

  test('counts retries as Airflow does', async () => {
    expect(await get('/api/v2/dags/orders/dagRuns/manual__1/taskInstances/total')).toMatchObject({
      max_tries: 1,
      try_number: 2,
      duration: 2,
    });
  });
});

describe('pausing a dag', () => {
  const patch = (isPaused: boolean) =>
    running.server.inject({ method: 'PATCH', url: '/api/v2/dags/orders', headers: running.as('user'), payload: { is_paused: isPaused } });

  test('shows in the answer and in the next read', async () => {
    expect((await patch(true)).json()).toMatchObject({ is_paused: true });
    expect(await get('/api/v2/dags/orders')).toMatchObject({ is_paused: true });
  });

  test('wakes the scheduler where something changed', async () => {
    await patch(false);
    expect(running.wakes()).toBe(0);
    await patch(true);
    expect(running.wakes()).toBe(1);
  });
});

describe('a reported asset event', () => {
  const report = (body: object) =>
    running.server.inject({ method: 'POST', url: '/api/v2/assets/events', headers: running.as('op'), payload: body });
  const requests = () => running.database.reads.selectFrom('runRequest').selectAll().where('inboxId', 'is', null).execute();

  test('asks for a run of each dag on it, with the fields that the dag declares', async () => {
    const response = await report({ asset_id: 1, extra: { total: 4, other: true } });
    expect(response.json()).toMatchObject({
      name: 'customer_master',
      extra: { total: 4, other: true, from_rest_api: true },
      created_dagruns: [],
    });
    expect(await requests()).toMatchObject([{ dagId: 'profiles', conf: '{"total":4}', state: 'pending', reason: null }]);
    expect((await requests())[0]?.runId).toMatch(/^asset_triggered__[0-9a-f]{32}$/);
    expect(running.wakes()).toBe(1);
  });

  test('is another event each time', async () => {
    const ids = [await report({ asset_id: 1, extra: { total: 1 } }), await report({ asset_id: 1, extra: { total: 1 } })];
    expect(new Set(ids.map((response) => response.json<{ id: number }>().id)).size).toBe(2);
    expect(await requests()).toHaveLength(2);
  });

  test('whose fields do not fit is recorded with the reason why nothing runs', async () => {
    expect((await report({ asset_id: 1, extra: { total: 'many' } })).statusCode).toBe(200);
    expect(await requests()).toMatchObject([{ state: 'refused', reason: expect.stringContaining('$.total') as string }]);
  });

  test('of an asset that starts no dag wakes nobody', async () => {
    expect((await report({ asset_id: 2 })).statusCode).toBe(200);
    expect(running.wakes()).toBe(0);
  });
});

describe('the health document', () => {
  const health = async () =>
    (await running.server.inject({ url: '/api/v2/monitor/health' })).json<Record<string, { status: string | null }>>();

  test('calls a process healthy for thirty seconds after its heartbeat', async () => {
    expect(await health()).toMatchObject({
      metadatabase: { status: 'healthy' },
      scheduler: { status: 'healthy', latest_scheduler_heartbeat: '2026-11-21T11:59:58Z' },
      triggerer: { status: null, latest_triggerer_heartbeat: null },
      dag_processor: { status: 'unhealthy', latest_dag_processor_heartbeat: '2026-11-21T11:58:00Z' },
    });
    running.clock.advance(28_000);
    expect((await health())['scheduler']?.status).toBe('healthy');
    running.clock.advance(1);
    expect((await health())['scheduler']?.status).toBe('unhealthy');
  });

  test('calls a process unhealthy that has ended', async () => {
    await running.database.batch([{ name: 'end', text: () => 'update job set ended_at = heartbeat_at', values: [] }]);
    expect((await health())['scheduler']?.status).toBe('unhealthy');
  });

  test('misses a scheduler that never ran, and no dag processor', async () => {
    await running.database.batch([{ name: 'none', text: () => 'delete from job', values: [] }]);
    const { scheduler, dag_processor: processor } = await health();
    expect([scheduler?.status, processor?.status]).toEqual(['unhealthy', null]);
  });
});

describe('events between environments', () => {
  test('are listed by subscription with a balance that adds up', async () => {
    const { subscriptions } = await get<{ subscriptions: { balance: Record<string, number> }[] }>('/api/v2/tradewind/subscriptions');
    expect(subscriptions).toMatchObject([{ name: 'sqs:profiles', is_active: true, state: 'polling' }]);
    expect(subscriptions[0]?.balance).toEqual({
      received: 3,
      ran: 1,
      pending: 0,
      unmatched: 0,
      quarantined: 1,
      deduplicated: 1,
      batched: 0,
      refused: 0,
    });
  });

  test('that nothing could be made of are shown as they came, to operators', async () => {
    expect(await get('/api/v2/tradewind/quarantine', 'op')).toMatchObject({
      messages: [{ message_id: 'm-2', body: '{"specversion":"1.0"}', attributes: { trace: '1' } }],
      next_before: null,
    });
    expect(await get('/api/v2/tradewind/quarantine?limit=1', 'op')).toMatchObject({ next_before: '019a0000-0000-7000-8000-000000000402' });
  });
});
