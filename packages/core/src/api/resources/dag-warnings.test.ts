import { afterEach, beforeEach, expect, test } from 'vitest';
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

const warnings = async (query: string): Promise<Record<string, unknown>> =>
  (await running.server.inject({ url: `/api/v2/dagWarnings${query}`, headers: running.as('viewer') })).json();

test('a timetable whose code fails is a warning of its dag', async () => {
  const schedule = '{"kind":"custom","summary":"tides"}';
  await running.database.batch([
    { name: 'test_custom', text: () => `update dag set schedule = $1 where dag_id = 'orders'`, values: [schedule] },
  ]);
  await insertRows(running.database, 'timetable_stock', [
    { dag_id: 'orders', bundle_version: 'b', runs: '[]', is_exhausted: 0, problem: 'no moon', evaluated_at: Date.UTC(2026, 10, 21) },
  ]);
  const warning = {
    dag_id: 'orders',
    dag_display_name: 'Orders',
    warning_type: 'runtime varying value',
    message: 'its timetable gives no runs: no moon',
    timestamp: '2026-11-21T00:00:00Z',
  };
  expect(await warnings('?dag_id=orders')).toEqual({ dag_warnings: [warning], total_entries: 1 });
  expect(await warnings('?dag_id=orders&warning_type=asset%20conflict')).toEqual({ dag_warnings: [], total_entries: 0 });
  expect(await warnings('?dag_id=profiles')).toEqual({ dag_warnings: [], total_entries: 0 });
});

test('a pool that does not exist is a warning of the dag whose tasks want it', async () => {
  const serialized = JSON.stringify({
    tasks: [
      { taskId: 'load', pool: 'nowhere' },
      { taskId: 'report', pool: 'default_pool' },
    ],
  });
  const change = (text: string, values: readonly string[]) => ({ name: `test_${text.length}`, text: () => text, values });
  await running.database.batch([
    change(`update dag_version set serialized = $1 where id = (select dag_version_id from dag where dag_id = 'orders')`, [serialized]),
  ]);
  expect(await warnings('?warning_type=non-existent%20pool')).toMatchObject({
    dag_warnings: [{ dag_id: 'orders', message: "there is no pool 'nowhere', so load will never run; make it, or name another one" }],
    total_entries: 1,
  });
});

test('a dag that has a new version at each reading is told so', async () => {
  const version = (number: number) => ({
    id: `restless_${number}`,
    dag_id: 'orders',
    version_number: 100 + number,
    content_hash: `${number}`,
    bundle_version: 'b',
    serialized: '{"tasks":[]}',
    created_at: running.clock.now(),
  });
  await insertRows(
    running.database,
    'dag_version',
    Array.from({ length: 21 }, (_, number) => version(number)),
  );
  expect(await warnings('?dag_id=orders')).toMatchObject({
    dag_warnings: [{ warning_type: 'runtime varying value', message: expect.stringContaining('21 new versions within an hour') as string }],
  });
});
