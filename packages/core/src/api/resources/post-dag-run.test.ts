import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertRows } from '../../store/reads/testing/insert-rows.ts';
import { startExampleServer } from '../testing/example-server.ts';
import type { TestServer } from '../testing/test-server.ts';

let running: TestServer;

beforeEach(async () => {
  running = await startExampleServer();
});

afterEach(async () => {
  await running.close();
});

async function trigger(body: object, dagId = 'orders') {
  const response = await running.server.inject({
    method: 'POST',
    url: `/api/v2/dags/${dagId}/dagRuns`,
    headers: running.as('user'),
    payload: { logical_date: null, ...body },
  });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}

describe('a trigger', () => {
  test('creates a queued run that is due now, in the name of who asked', async () => {
    const { status, body } = await trigger({});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      dag_id: 'orders',
      state: 'queued',
      run_type: 'manual',
      triggered_by: 'rest_api',
      triggering_user_name: 'the user',
      run_after: '2026-11-21T12:00:00Z',
      queued_at: '2026-11-21T12:00:00Z',
      logical_date: null,
      data_interval_start: null,
      conf: {},
      start_date: null,
    });
  });

  test('wakes the scheduler once the run is there', async () => {
    await trigger({});
    expect(running.wakes()).toBe(1);
  });

  test('makes up run ids that say when, and that differ within one millisecond', async () => {
    const [first, second] = [await trigger({}), await trigger({})];
    expect(first.body['dag_run_id']).toMatch(/^manual__2026-11-21T12:00:00\+00:00_[0-9a-f]{8}$/);
    expect(second.body['dag_run_id']).not.toBe(first.body['dag_run_id']);
  });

  test('has no task instances before the scheduler starts it', async () => {
    await trigger({ dag_run_id: 'new' });
    const response = await running.server.inject({ url: '/api/v2/dags/orders/dagRuns/new/taskInstances', headers: running.as('viewer') });
    expect(response.json()).toMatchObject({ task_instances: [], total_entries: 0 });
  });

  test('gives a run without an interval of its own one of no length', async () => {
    const { body } = await trigger({ logical_date: '2026-11-20T06:00:00+01:00' });
    const at = '2026-11-20T05:00:00Z';
    expect(body).toMatchObject({ logical_date: at, data_interval_start: at, data_interval_end: at, run_after: '2026-11-21T12:00:00Z' });
  });

  test('keeps a conf as it was given, with more than the params in it', async () => {
    const conf = { limit: 3, more: { deep: [1, null, 'ü'] } };
    expect((await trigger({ conf })).body['conf']).toEqual(conf);
  });

  test('takes null for what may be left out', async () => {
    const body = { conf: null, note: null, dag_run_id: null, run_after: null, data_interval_start: null, data_interval_end: null };
    expect((await trigger(body)).status).toBe(200);
  });
});

describe('a trigger is refused', () => {
  test('with 409 where the run id is taken', async () => {
    const { status, body } = await trigger({ dag_run_id: 'manual__1' });
    expect(status).toBe(409);
    expect(body['detail']).toContain("run_id 'manual__1' exists already");
  });

  test('with 409 where the logical date is taken, naming the run that has it', async () => {
    const { status, body } = await trigger({ logical_date: '2026-11-21T09:00:00Z' });
    expect(status).toBe(409);
    expect(body['detail']).toContain('scheduled__2026-11-21T09:00:00+00:00');
  });

  test('for all but one of many that ask for the same run at once', async () => {
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await trigger({ dag_run_id: 'same' })).status));
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 19 }, () => 409)]);
    expect(running.wakes()).toBe(1);
  });

  test.each([
    ['a conf that does not fit', 'orders', { conf: { limit: 0, region: 'mars' } }, /\$\.region: .*\$\.limit: 0 is less than the minimum 1/],
    ['a param without a value', 'profiles', {}, /\$\.total: has no value/],
    ['a run id that cannot be a folder', 'orders', { dag_run_id: '../x' }, /cannot be used/],
    ['a dag whose file is broken', 'broken', {}, /has import errors/],
    ['a dag that no file defines any more', 'gone', {}, /no dag file defines it any more/],
  ])('with 400 for %s', async (_what, dagId, body, detail) => {
    const answer = await trigger(body, dagId);
    expect(answer.status).toBe(400);
    expect(answer.body['detail']).toMatch(detail);
    expect(running.wakes()).toBe(0);
  });

  test('with 404 for an unknown dag', async () => {
    expect(await trigger({}, 'no-such-dag')).toEqual({ status: 404, body: { detail: "DAG with dag_id: 'no-such-dag' not found" } });
  });

  test.each([
    ['half an interval', { data_interval_start: '2026-11-20T00:00:00Z' }, ['body'], 'value_error'],
    [
      'an interval that ends before it begins',
      { data_interval_start: '2026-11-20', data_interval_end: '2026-11-19' },
      ['body'],
      'value_error',
    ],
    ['a partition', { partition_key: 'p' }, ['body', 'partition_key'], 'value_error'],
    ['a field that there is not', { dry_run: true }, ['body', 'dry_run'], 'extra_forbidden'],
    ['a conf that is no object', { conf: 'x' }, ['body', 'conf'], 'dict_type'],
    ['a date in words', { logical_date: 'today' }, ['body', 'logical_date'], 'datetime_parsing'],
  ])('with 422 for %s', async (_what, body, loc, type) => {
    const answer = await trigger(body);
    expect(answer.status).toBe(422);
    expect(answer.body['detail']).toMatchObject([{ loc, type }]);
  });
});

test('a run is on the version that is current at that moment', async () => {
  await insertRows(running.database, 'dag_version', [
    {
      id: '019a0000-0000-7000-8000-000000000199',
      dag_id: 'nightly',
      version_number: 2,
      content_hash: 'x',
      bundle_version: 'bundle-9',
      serialized: JSON.stringify({ schedule: { kind: 'cron_interval', expression: '@daily', timezone: 'UTC' }, params: {} }),
      created_at: 1,
    },
  ]);
  const newest = {
    name: 'newest',
    text: () =>
      `update dag set dag_version_id = '019a0000-0000-7000-8000-000000000199', bundle_version = 'bundle-9' where dag_id = 'nightly'`,
    values: [],
  };
  await running.database.batch([newest]);
  const { body } = await trigger({}, 'nightly');
  expect(body).toMatchObject({ bundle_version: 'bundle-9', dag_versions: [{ version_number: 2 }] });
  const dated = await trigger({ logical_date: '2026-11-20T15:00:00Z' }, 'nightly');
  expect(dated.body).toMatchObject({ data_interval_start: '2026-11-19T00:00:00Z', data_interval_end: '2026-11-20T00:00:00Z' });
});
