import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { CallbackWork, LogRecord, TriggerEvent, TriggerWork } from '@tradewind/protocol';
import { afterEach, expect, test, vi } from 'vitest';
import { createTestFolder, storeBundle, type TestFolder } from '../executors/testing/test-bundle.ts';
import { authorEntry } from '../platform/child-process.ts';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import type { AuthorChildSettings } from './author-child.ts';
import { startCallbackChild } from './callback-child.ts';
import { CallbackPool } from './callback-pool.ts';
import { startTriggerChild } from './trigger-child.ts';
import { TriggerPool } from './trigger-pool.ts';

const DAGS_FOLDER = path.resolve(import.meta.dirname, 'testing/dags');
/** Processes take a moment to start, and a blocked loop a few seconds to be found. */
const PATIENCE = { timeout: 30_000, interval: 20 };

interface World {
  readonly folder: TestFolder;
  readonly settings: (entry: string) => AuthorChildSettings;
  readonly pool: TriggerPool;
  readonly warnings: string[];
  readonly events: Map<string, TriggerEvent>;
  readonly records: Map<string, LogRecord[]>;
  /** Runs triggers of the task `wait`, each under a label. */
  run(triggers: Readonly<Record<string, { readonly name: string; readonly args?: object }>>): void;
  work(name: string, args?: object): TriggerWork;
  readonly code: TriggerWork['code'];
  cancel(label: string): void;
}

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

async function createWorld(): Promise<World> {
  const folder = createTestFolder();
  const stateFolder = path.join(folder.path, '.tradewind');
  mkdirSync(stateFolder);
  const code = { ...(await storeBundle(DAGS_FOLDER, stateFolder)), file: 'waiting.ts' };
  const warnings: string[] = [];
  const log = { ...silentLog, warning: (event: string) => warnings.push(event) };
  const settings = (entry: string): AuthorChildSettings => ({
    entry: authorEntry(entry),
    stateFolder,
    workingFolder: folder.path,
    maxHeapMegabytes: 64,
    clock: systemClock,
    log,
  });
  const events = new Map<string, TriggerEvent>();
  const records = new Map<string, LogRecord[]>();
  const labels = new Map<number, string>();
  const labelOf = (id: number): string => labels.get(id) ?? '';
  const pool = new TriggerPool({
    clock: systemClock,
    log,
    createChild: (heard) => startTriggerChild(settings('@tradewind/sdk/trigger-runner'), heard),
    onFired: (id, event) => events.set(labelOf(id), event),
    onLog: (id, record) => records.set(labelOf(id), [...(records.get(labelOf(id)) ?? []), record]),
  });
  let lastId = 0;
  const work = (name: string, args: object = {}): TriggerWork => {
    lastId += 1;
    return { triggerId: lastId, dagId: 'waiting', runId: 'run', taskId: 'wait', mapIndex: -1, name, argsJson: JSON.stringify(args), code };
  };
  close = async () => {
    await pool.stop();
    folder[Symbol.dispose]();
  };
  return {
    folder,
    settings,
    pool,
    warnings,
    events,
    records,
    code,
    work,
    run(triggers) {
      const works = Object.entries(triggers).map(([label, { name, args }]) => {
        const one = work(name, args);
        labels.set(one.triggerId, label);
        return one;
      });
      pool.run(works);
    },
    cancel(label) {
      pool.cancel([...labels].filter(([, one]) => one === label).map(([id]) => id));
    },
  };
}

test('a trigger fires with what its code returns, or with why it does not, and many share one process', async () => {
  const { run, events, records } = await createWorld();
  run({
    a: { name: 'echo', args: { value: 'a' } },
    b: { name: 'echo', args: { value: 'b' } },
    throws: { name: 'throws' },
    badValue: { name: 'bad_value' },
    floats: { name: 'floats' },
    throwsLater: { name: 'throws_later' },
    unknown: { name: 'unknown' },
  });
  await vi.waitUntil(() => events.size === 7, PATIENCE);
  const [a, b] = ['a', 'b'].map((label) => {
    const event = events.get(label);
    return event?.ok === true ? (JSON.parse(event.json) as { value: string; pid: number }) : undefined;
  });
  expect([a?.value, b?.value]).toEqual(['a', 'b']);
  expect(a?.pid).toBe(b?.pid);
  expect(records.get('a')).toMatchObject([{ event: 'waiting', value: 'a', logger: 'trigger', level: 'info' }]);
  expect(Object.fromEntries(events)).toMatchObject({
    throws: { ok: false, message: 'TypeError: no such job' },
    badValue: { ok: false, message: expect.stringContaining('$.at is an instance of Date') as string },
    floats: { ok: false, message: 'a promise was rejected and nobody handled it: nobody handles this' },
    throwsLater: { ok: false, message: 'an error was thrown and nobody caught it: out of a timer' },
    unknown: { ok: false, message: expect.stringContaining('has no trigger "unknown"') as string },
  });
});

test('a trigger that is cancelled has its signal aborted, and does not fire', async () => {
  const { run, cancel, folder, events } = await createWorld();
  const file = path.join(folder.path, 'notes');
  const other = path.join(folder.path, 'other');
  run({ waits: { name: 'waits', args: { file } }, other: { name: 'waits', args: { file: other } } });
  await vi.waitUntil(() => read(file).length === 1 && read(other).length === 1, PATIENCE);
  cancel('waits');
  await vi.waitUntil(() => read(file).length === 2, PATIENCE);
  expect([read(file)[1], events.size, read(other).length]).toEqual(['aborted', 0, 1]);
});

test('a trigger that ends its process fires with that, and the others go on in another one', async () => {
  const { run, folder, events } = await createWorld();
  const file = path.join(folder.path, 'notes');
  run({ waits: { name: 'waits', args: { file } }, exits: { name: 'exits' } });
  await vi.waitUntil(() => events.has('exits') && read(file).length === 2, PATIENCE);
  expect(events.get('exits')).toMatchObject({ ok: false, message: expect.stringContaining('exit code 3') as string });
  expect(new Set(read(file)).size).toBe(2);
});

test('a trigger that kills its process, nobody knows which, is found in smaller and smaller groups', async () => {
  const { run, folder, events, pool } = await createWorld();
  const file = path.join(folder.path, 'notes');
  run({ waits: { name: 'waits', args: { file } }, dies: { name: 'dies' } });
  await vi.waitUntil(() => events.has('dies'), PATIENCE);
  expect(events.get('dies')).toMatchObject({ ok: false, message: expect.stringContaining('SIGKILL') as string });
  expect([pool.size, events.has('waits')]).toEqual([1, false]);
});

test('a trigger that blocks its process keeps it to itself, and the others go on in another one', async () => {
  const { run, cancel, folder, events, warnings } = await createWorld();
  const file = path.join(folder.path, 'notes');
  run({ waits: { name: 'waits', args: { file } }, blocks: { name: 'blocks' } });
  await vi.waitUntil(() => read(file).length === 2, PATIENCE);
  expect(warnings).toEqual(['a trigger blocks the event loop of its process; it now runs alone, and should wait without working']);
  expect(events.size).toBe(0);
  cancel('blocks');
});

test('callbacks are called in order, each whatever the one before did, and write a log', async () => {
  const { settings, code } = await createWorld();
  const pool = callbackPool(settings('@tradewind/sdk/callback-runner'));
  const records: LogRecord[] = [];
  try {
    expect(await pool.call(callbackWork(code, 'success'), (record) => records.push(record))).toEqual({
      outcome: 'called',
      failures: [{ place: 1, message: 'the second one fails', detail: expect.any(String) as string }],
    });
    expect(records).toMatchObject([
      { event: 'succeeded', runId: 'run', taskId: 'wait', callbackId: 'callback.success', params: { region: 'eu' } },
      { level: 'error', event: 'a callback failed', place: 1 },
      { event: 'the third one is called', logger: 'callback' },
    ]);
  } finally {
    await pool.stop();
  }
});

test('callbacks that never end are ended', async () => {
  const { settings, code } = await createWorld();
  const pool = callbackPool(settings('@tradewind/sdk/callback-runner'), 1_000);
  try {
    expect(await pool.call(callbackWork(code, 'failure'), () => undefined)).toMatchObject({ outcome: 'timeout' });
  } finally {
    await pool.stop();
  }
});

test('callbacks that end their process have died, and the next ones are called in another one', async () => {
  const { settings, code } = await createWorld();
  const pool = callbackPool(settings('@tradewind/sdk/callback-runner'));
  try {
    expect(await pool.call(callbackWork(code, 'retry'), () => undefined)).toMatchObject({
      outcome: 'died',
      message: expect.stringContaining('exit code 1') as string,
    });
    expect(await pool.call(callbackWork(code, 'success'), () => undefined)).toMatchObject({ outcome: 'called' });
  } finally {
    await pool.stop();
  }
});

function callbackPool(settings: AuthorChildSettings, timeoutMs = 30_000): CallbackPool {
  return new CallbackPool({
    clock: systemClock,
    createChild: (events) => startCallbackChild(settings, events),
    timeoutMs,
    parallelism: 2,
  });
}

function callbackWork(code: TriggerWork['code'], when: 'success' | 'failure' | 'retry'): CallbackWork {
  return {
    callbackId: `callback.${when}`,
    target: { of: 'task', taskId: 'wait', when },
    code,
    context: {
      dagId: 'waiting',
      runId: 'run',
      logicalDate: null,
      dataIntervalStart: null,
      dataIntervalEnd: null,
      runAfter: '2026-01-01T00:00:00Z',
      params: { region: 'eu' },
      subject: { of: 'task', taskId: 'wait', mapIndex: -1, tryNumber: 1, maxTries: 1, state: 'success' },
    },
  };
}

function read(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}
