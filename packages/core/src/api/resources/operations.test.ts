import type { InjectOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { changePool } from '../../store/transitions/pools.ts';
import { startExampleServer } from '../testing/example-server.ts';
import type { TestServer } from '../testing/test-server.ts';

const DAG = '/api/v2/dags/orders';
const FAILED = `${DAG}/dagRuns/manual__1`;
const RUNNING = `${DAG}/dagRuns/manual__2`;

let running: TestServer;

beforeEach(async () => {
  running = await startExampleServer();
});

afterEach(async () => {
  await running.close();
});

interface Listed {
  readonly task_instances: readonly { readonly task_id: string; readonly state: string | null; readonly note: string | null }[];
}

async function ask<Body>(method: InjectOptions['method'], url: string, payload?: object): Promise<Body> {
  const response = await running.server.inject({
    ...(method === undefined ? {} : { method }),
    url,
    headers: running.as('admin'),
    ...(payload === undefined ? {} : { payload }),
  });
  expect({ status: response.statusCode, body: response.body }).toMatchObject({ status: expect.toBeOneOf([200, 201, 204]) as unknown });
  return response.body === '' ? (undefined as Body) : response.json<Body>();
}

async function statesOf(run: string): Promise<Readonly<Record<string, string | null>>> {
  const { task_instances: found } = await ask<Listed>('GET', `${run}/taskInstances`);
  return Object.fromEntries(found.map(({ task_id: taskId, state }) => [taskId, state]));
}

describe('a clear', () => {
  test('is a dry run unless it says otherwise: it answers what is failed and writes nothing', async () => {
    const { task_instances: found } = await ask<Listed>('POST', `${DAG}/clearTaskInstances`, { dag_run_id: 'manual__1' });
    expect(found.map(({ task_id: taskId, state }) => [taskId, state])).toEqual([
      ['total', 'failed'],
      ['load', 'upstream_failed'],
    ]);
    expect(await statesOf(FAILED)).toEqual({ extract: 'success', total: 'failed', load: 'upstream_failed' });
    expect(running.wakes()).toBe(0);
  });

  test('wakes the scheduler, and the run waits to be started again', async () => {
    const body = { dag_run_id: 'manual__1', dry_run: false, note: 'the disk is larger now' };
    const { task_instances: found } = await ask<Listed>('POST', `${DAG}/clearTaskInstances`, body);
    expect(found).toMatchObject([{ task_id: 'total', state: null, note: 'the disk is larger now' }, { task_id: 'load' }]);
    expect(await ask('GET', FAILED)).toMatchObject({ state: 'queued', start_date: null, end_date: null });
    expect(running.wakes()).toBe(1);
  });

  test('of what runs is refused as a whole where nothing that runs may be cleared', async () => {
    const response = await running.server.inject({
      method: 'POST',
      url: `${DAG}/clearTaskInstances`,
      headers: running.as('admin'),
      payload: { dry_run: false, only_failed: false, prevent_running_task: true },
    });
    expect(response.statusCode).toBe(409);
    expect(response.json<{ detail: string }>().detail).toContain('these tasks run: extract');
    expect(await statesOf(FAILED)).toEqual({ extract: 'success', total: 'failed', load: 'upstream_failed' });
  });

  test('of a run names the tasks that it would have for the first time', async () => {
    const success = `${DAG}/dagRuns/scheduled__2026-11-21T09:00:00+00:00`;
    const { task_instances: found } = await ask<Listed>('POST', `${success}/clear`, { only_new: true });
    expect(found).toEqual([
      { task_id: 'total', task_display_name: 'total' },
      { task_id: 'load', task_display_name: 'load' },
    ]);
    expect(await ask('POST', `${success}/clear`, { only_new: true, dry_run: false })).toMatchObject({
      state: 'queued',
      bundle_version: 'bundle-2',
    });
    expect(await statesOf(success)).toEqual({ extract: 'success' });
  });
});

describe('a mark', () => {
  test('answers what it marked, and leaves the note there alone', async () => {
    const { task_instances: found } = await ask<Listed>('PATCH', `${FAILED}/taskInstances/total`, {
      new_state: 'success',
      note: 'counted by hand',
    });
    expect(found).toMatchObject([{ task_id: 'total', state: 'success', note: 'counted by hand' }]);
    expect(await statesOf(FAILED)).toEqual({ extract: 'success', total: 'success', load: null });
    expect(await ask('GET', FAILED)).toMatchObject({ state: 'queued' });
  });

  test('says in a dry run what it would mark', async () => {
    const { task_instances: found } = await ask<Listed>('PATCH', `${FAILED}/taskInstances/total/dry_run`, {
      new_state: 'success',
      include_downstream: true,
    });
    expect(found.map(({ task_id: taskId }) => taskId)).toEqual(['total', 'load']);
    expect(await statesOf(FAILED)).toMatchObject({ total: 'failed' });
  });

  test('of a note alone changes nothing else', async () => {
    await ask('PATCH', `${FAILED}/taskInstances/total`, { note: 'seen' });
    expect(await statesOf(FAILED)).toMatchObject({ total: 'failed', load: 'upstream_failed' });
    expect(running.wakes()).toBe(0);
  });

  test('of a run ends it at once', async () => {
    expect(await ask('PATCH', RUNNING, { state: 'failed', note: 'too slow' })).toMatchObject({ state: 'failed', note: 'too slow' });
    expect(await statesOf(RUNNING)).toEqual({ extract: 'failed', total: 'skipped', load: 'skipped' });
    expect(running.wakes()).toBe(1);
  });
});

test('tries are listed once each, those that were ended by hand with the state that they were given', async () => {
  const tries = async () =>
    (
      await ask<{ task_instances: readonly { try_number: number; state: string }[] }>('GET', `${FAILED}/taskInstances/total/tries`)
    ).task_instances.map(({ try_number: tryNumber, state }) => [tryNumber, state]);
  expect(await tries()).toEqual([
    [1, 'up_for_retry'],
    [2, 'failed'],
  ]);
  await ask('PATCH', `${FAILED}/taskInstances/total`, { new_state: 'success' });
  expect(await tries()).toEqual([
    [1, 'up_for_retry'],
    [2, 'success'],
  ]);
});

describe('a pool', () => {
  test('that is made smaller than what is in it has less than no open slots', async () => {
    await changePool(running.database, 'default_pool', { slots: 0 });
    expect(await ask('GET', '/api/v2/pools/default_pool')).toMatchObject({
      slots: 0,
      occupied_slots: 1,
      running_slots: 1,
      scheduled_slots: 1,
      open_slots: -1,
    });
  });

  test('without a limit says so', async () => {
    expect(await ask('POST', '/api/v2/pools', { name: 'any', slots: -1 })).toMatchObject({
      slots: -1,
      open_slots: -1,
      include_deferred: false,
    });
    expect(running.wakes()).toBe(1);
  });
});

describe('waiting for a run', () => {
  test('ends with its state and what its tasks returned', async () => {
    const url = `${DAG}/dagRuns/scheduled__2026-11-21T09:00:00+00:00/wait?interval=1&result=extract&result=nothing`;
    const response = await running.server.inject({ url, headers: running.as('viewer') });
    expect(response.body).toBe('{"state":"success","results":{"extract":{"rows":[1,2,3]},"nothing":null}}\n');
  });
});

test('a value that somebody replaces is what the scheduler reads from then on', async () => {
  const url = `${RUNNING}/taskInstances/extract/xcomEntries`;
  const revision = async () =>
    (await running.database.reads.selectFrom('dagRun').select('revision').where('runId', '=', 'manual__2').executeTakeFirst())?.revision;
  const before = (await revision()) ?? 0;
  await ask('POST', url, { key: 'return_value', value: [1] });
  expect(await ask('PATCH', `${url}/return_value`, { value: [1, 2] })).toMatchObject({ value: [1, 2] });
  await ask('DELETE', `${url}/return_value`);
  expect(await revision()).toBe(before + 3);
  expect(running.wakes()).toBe(3);
});
