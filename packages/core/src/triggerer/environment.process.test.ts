import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { startEnvironment, type RunningEnvironment } from '../cli/environment.ts';
import { loadConfig } from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';

const PATIENCE = { timeout: 30_000, interval: 20 };

const DAG = `
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { dag, deadline, defer, trigger } from '@tradewind/sdk';

const fileArrives = trigger('file_arrives', { run: async ({ file }, { signal, log }) => {
  log.info('looking for the file', { file });
  while (!existsSync(file)) await setTimeout(20, undefined, { signal });
  return { file };
} });

const tell = (what) => ({ callbackId, log, runId, ...context }) => log.info(what, { callbackId, runId, reason: context.reason, tryNumber: context.tryNumber });

export const orders = dag('orders', {
  on: { success: tell('the run succeeded') },
  deadlines: [{ name: 'at_once', reference: deadline.queuedAt(), interval: { milliseconds: 1 }, callback: tell('too late') }],
}, (d) => {
  d.task('wait', {
    triggers: [fileArrives],
    run: () => defer(fileArrives, { args: { file: ${JSON.stringify('FILE')} }, state: { kept: 7 } }),
    resume: (event, _inputs, _context, state) => ({ event, state, pid: process.pid }),
    on: { execute: tell('begins'), success: tell('succeeded') },
  });
});
`;

let folder: string;
let environment: RunningEnvironment | undefined;

afterEach(async () => {
  await environment?.stop();
  environment = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the environment, the first time with the reading of its dag file. */
async function start(isFirst: boolean): Promise<void> {
  const known = Promise.withResolvers<void>();
  environment = await startEnvironment(loadConfig(folder, {}), {
    observe: () => undefined,
    log: silentLog,
    onDagsChanged: ({ error }) => {
      if (error === undefined) known.resolve();
      else known.reject(new Error(error.message));
    },
  });
  if (isFirst) await known.promise;
}

async function request(method: string, url: string, body?: object): Promise<Record<string, unknown>> {
  const { address, token } = JSON.parse(readFileSync(path.join(folder, '.tradewind/environment.json'), 'utf8')) as Record<string, string>;
  const response = await fetch(`${address}${url}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

function records(...parts: readonly string[]): readonly { readonly event: string; readonly [field: string]: unknown }[] {
  try {
    const text = readFileSync(path.join(folder, '.tradewind/logs/dag_id=orders/run_id=one', ...parts), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
  } catch {
    return [];
  }
}

test('a task waits in the triggerer without a slot, goes on with the event, and its callbacks are called', async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-triggerer-'));
  mkdirSync(path.join(folder, 'dags'));
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(path.resolve(import.meta.dirname, '../../../../node_modules/@tradewind'), path.join(folder, 'node_modules/@tradewind'));
  writeFileSync(path.join(folder, 'tradewind.json'), JSON.stringify({ api: { port: 0 } }));
  const file = path.join(folder, 'arrived');
  writeFileSync(path.join(folder, 'dags/orders.ts'), DAG.replace('"FILE"', JSON.stringify(file)));
  await start(true);
  await request('POST', '/api/v2/dags/orders/dagRuns', { dag_run_id: 'one', logical_date: null });
  const stateOf = async () => (await request('GET', '/api/v2/dags/orders/dagRuns/one/taskInstances/wait'))['state'];
  await vi.waitUntil(() => records('task_id=wait', 'attempt=1.trigger.log').length > 0, PATIENCE);
  expect(await stateOf()).toBe('deferred');
  expect(await request('GET', '/api/v2/monitor/health')).toMatchObject({ triggerer: { status: 'healthy' } });

  // A life later the trigger still waits, in a new process.
  await environment?.stop();
  await start(false);
  await vi.waitUntil(() => records('task_id=wait', 'attempt=1.trigger.log').length > 1, PATIENCE);
  expect(await stateOf()).toBe('deferred');

  writeFileSync(file, '');
  await vi.waitUntil(async () => (await stateOf()) === 'success', PATIENCE);
  expect(await request('GET', '/api/v2/dags/orders/dagRuns/one/taskInstances/wait/xcomEntries/return_value')).toMatchObject({
    value: { event: { file }, state: { kept: 7 } },
  });
  const called = (...parts: readonly string[]) => [...new Map(records(...parts).map((record) => [record['callbackId'], record])).values()];
  const ofTask = () => called('task_id=wait', 'attempt=1.callbacks.log');
  const ofRun = () => called('callbacks.log');
  await vi.waitUntil(() => ofTask().length === 2 && ofRun().length === 2, PATIENCE);
  expect(ofTask().map(({ event, tryNumber }) => [event, tryNumber])).toEqual([
    ['begins', 1],
    ['succeeded', 1],
  ]);
  expect(ofRun().map(({ event, runId, reason }) => [event, runId, reason ?? null])).toEqual([
    ['too late', 'one', null],
    ['the run succeeded', 'one', 'success'],
  ]);
});
