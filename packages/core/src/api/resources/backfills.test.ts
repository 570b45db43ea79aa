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

type Method = 'GET' | 'POST' | 'PUT';

async function ask(method: Method, path: string, body?: object) {
  const response = await running.server.inject({
    method,
    url: `/api/v2/backfills${path}`,
    headers: running.as('user'),
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}

/** Hourly, from 00:00 to 03:00. */
const NIGHTLY = { dag_id: 'nightly', from_date: '2026-11-20T00:00:00Z', to_date: '2026-11-20T03:00:00Z' };

const datesOf = ({ body }: { readonly body: Record<string, unknown> }): readonly string[] =>
  (body['backfills'] as { readonly logical_date: string }[]).map(({ logical_date: date }) => date.slice(11, 16));

describe('a dry run', () => {
  test('lists the dates in the order in which they would be run, and creates nothing', async () => {
    const forwards = await ask('POST', '/dry_run', NIGHTLY);
    expect(datesOf(forwards)).toEqual(['00:00', '01:00', '02:00', '03:00']);
    expect(forwards.body['total_entries']).toBe(4);
    expect(datesOf(await ask('POST', '/dry_run', { ...NIGHTLY, run_backwards: true }))).toEqual(['03:00', '02:00', '01:00', '00:00']);
    expect(await ask('GET', '?dag_id=nightly')).toMatchObject({ body: { total_entries: 0 } });
    expect(running.wakes()).toBe(0);
  });

  test('leaves out dates whose run would be left as it is', async () => {
    const range = { dag_id: 'orders', from_date: '2026-11-21T08:00:00Z', to_date: '2026-11-21T12:00:00Z' };
    await ask('PUT', '/1/cancel');
    const count = async (behavior: string): Promise<unknown> =>
      (await ask('POST', '/dry_run', { ...range, reprocess_behavior: behavior })).body['total_entries'];
    const [none, failed, completed] = [await count('none'), await count('failed'), await count('completed')];
    expect(none).toBeLessThan(5);
    expect(failed).toBeGreaterThanOrEqual(none as number);
    expect(completed).toBeGreaterThan(none as number);
  });
});

describe('a backfill', () => {
  test('is created in the name of who asked, and wakes the scheduler', async () => {
    const { status, body } = await ask('POST', '', { ...NIGHTLY, max_active_runs: 2, reprocess_behavior: 'failed' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: 3,
      ...NIGHTLY,
      max_active_runs: 2,
      reprocess_behavior: 'failed',
      dag_run_conf: null,
      is_paused: false,
      completed_at: null,
      created_at: '2026-11-21T12:00:00Z',
    });
    expect(running.wakes()).toBe(1);
  });

  test('takes Airflow’s defaults', async () => {
    const { body } = await ask('POST', '', NIGHTLY);
    expect(body).toMatchObject({ max_active_runs: 10, reprocess_behavior: 'none' });
  });

  test('is paused, goes on and is cancelled, once', async () => {
    expect(await ask('PUT', '/1/pause')).toMatchObject({ status: 200, body: { is_paused: true } });
    expect(await ask('PUT', '/1/pause')).toMatchObject({ status: 200, body: { is_paused: true } });
    expect(await ask('PUT', '/1/unpause')).toMatchObject({ status: 200, body: { is_paused: false } });
    expect(await ask('PUT', '/1/cancel')).toMatchObject({ status: 200, body: { completed_at: '2026-11-21T12:00:00Z' } });
    expect(await ask('PUT', '/1/cancel')).toMatchObject({ status: 409, body: { detail: 'Backfill is already completed.' } });
  });

  test.each<[string, object, number, string]>([
    ['a second one while the first is active', { dag_id: 'orders' }, 409, 'There is already a running backfill for dag orders'],
    ['an unknown dag', { dag_id: 'nothing' }, 404, 'Could not find dag nothing'],
    ['a dag that is gone', { dag_id: 'gone' }, 400, 'is stale'],
    ['a conf that does not fit', { dag_id: 'orders', dag_run_conf: { limit: 'many' } }, 400, 'The conf does not fit the params'],
    ['an end before the start', { to_date: '2026-11-01T00:00:00Z' }, 422, 'to_date must not be before from_date'],
    ['no limit', { max_active_runs: 0 }, 422, 'max_active_runs'],
    ['a field that there is not', { max_runs: 1 }, 422, 'max_runs'],
  ])('is refused for %s', async (_, changes, status, detail) => {
    const refused = await ask('POST', '', { ...NIGHTLY, ...changes });
    expect(refused.status).toBe(status);
    expect(JSON.stringify(refused.body)).toContain(detail);
  });
});
