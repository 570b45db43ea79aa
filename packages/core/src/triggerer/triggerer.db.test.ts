import { expect, test, vi } from 'vitest';
import type { CallbackChildMessage, CallbackWork } from '@tradewind/protocol';
import { systemClock } from '../platform/clock.ts';
import { TradewindError } from '../platform/errors.ts';
import { silentLog } from '../platform/log.ts';
import { createTestFolder } from '../executors/testing/test-bundle.ts';
import type { Database, Statement } from '../store/database.ts';
import { describeDatabases } from '../store/testing/describe-databases.ts';
import { change, insertDag, insertDagRun, insertTaskInstance } from '../store/testing/transition-fixtures.ts';
import { createTriggers } from '../store/transitions/create-triggers.ts';
import { requestTaskCallbacks } from '../store/transitions/request-callbacks.ts';
import type { CallbackChild, CallbackChildEvents } from './callback-pool.ts';
import { playChildren, type PlayedChild } from './testing/played-children.ts';
import { startTriggerer, type Triggerer, type TriggererParts } from './triggerer.ts';

const PATIENCE = { timeout: 10_000, interval: 5 };

async function read(database: Database, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const statement: Statement<Record<string, unknown>> = change(sql);
  return (await database.batch([statement]))[0].map((row) => ({ ...row }));
}

interface World {
  readonly triggerer: Triggerer;
  readonly children: readonly PlayedChild[];
  readonly calls: CallbackWork[];
  fired(): number;
}

describeDatabases('the triggerer', (open) => {
  const prepare = async (): Promise<Database> => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    for (const id of ['one', 'two']) await insertTaskInstance(database, 'deferred', { id, task_id: id });
    const trigger = (id: string) => ({ taskInstanceId: id, epoch: 1, trigger: { kind: 'code', name: id, argsJson: `"${id}"` } }) as const;
    await database.batch([createTriggers(1, [trigger('one'), trigger('two')])]);
    return database;
  };
  const start = async (
    database: Database,
    answer: Answer = succeed,
    parts: Partial<TriggererParts> = {},
  ): Promise<World & AsyncDisposable> => {
    const folder = createTestFolder();
    const { children, start: startTriggerChild } = playChildren();
    const calls: CallbackWork[] = [];
    let fired = 0;
    const triggerer = await startTriggerer({
      database,
      clock: systemClock,
      log: silentLog,
      hostname: 'host',
      pid: 1,
      isAlone: false,
      locateCode: (file, bundleVersion) => ({ bundleFolder: '/dags', file, bundleVersion, manifestFile: `/${bundleVersion}.json` }),
      logsFolder: folder.path,
      startTriggerChild,
      startCallbackChild: (events) => playCallbackChild(events, calls, answer),
      onFired: () => {
        fired += 1;
      },
      leaseMs: 60_000,
      recoveryIntervalMs: 20,
      ...parts,
    });
    return {
      triggerer,
      children,
      calls,
      fired: () => fired,
      async [Symbol.asyncDispose]() {
        await triggerer.stop();
        folder[Symbol.dispose]();
      },
    };
  };
  const names = ({ children }: World): string[] =>
    children.flatMap(({ running }) => [...running.values()].map(({ name }) => name)).toSorted();
  const triggerStates = (database: Database) => read(database, 'select task_instance_id as id, state, event from trigger order by 1');

  test('runs what waits, stores what it fires with, and tells the scheduler', async () => {
    const database = await prepare();
    await using world = await start(database);
    await vi.waitUntil(() => names(world).length === 2, PATIENCE);
    world.children[0]?.fire('one', { ok: true, json: '{"rows":1}' });
    await vi.waitUntil(() => world.fired() === 1, PATIENCE);
    expect(await triggerStates(database)).toEqual([
      { id: 'one', state: 'fired', event: '{"ok":true,"json":"{\\"rows\\":1}"}' },
      { id: 'two', state: 'waiting', event: null },
    ]);
  });

  test('opens what a task has sealed for its trigger, and seals what the trigger hands back', async () => {
    const database = await prepare();
    let hasNewestKeys = false;
    const sealer = {
      openJson: (json: string): string => {
        if (json === '"two"') throw new Error('the key is gone');
        if (!hasNewestKeys) throw new TradewindError('secret_unreadable', 'another process has rotated the keys');
        return json.replace('one', 'opened');
      },
      sealJson: (json: string): string => json.replace('secret', 'sealed'),
      refreshKeys: () => {
        hasNewestKeys = true;
        return Promise.resolve();
      },
    };
    await using world = await start(database, succeed, { sealer });
    await vi.waitUntil(() => world.fired() === 1, PATIENCE);
    const running = world.children.flatMap((child) => [...child.running.values()].map(({ argsJson }) => argsJson));
    expect(running).toEqual(['"opened"']);
    world.children[0]?.fire('one', { ok: true, json: '"secret"' });
    await vi.waitUntil(() => world.fired() === 2, PATIENCE);
    expect((await triggerStates(database)).map(({ event }) => event)).toEqual([
      '{"ok":true,"json":"\\"sealed\\""}',
      '{"ok":false,"message":"what the task handed to its trigger cannot be opened: the key is gone"}',
    ]);
  });

  test('ends what nobody waits for any more', async () => {
    const database = await prepare();
    await using world = await start(database);
    await vi.waitUntil(() => names(world).length === 2, PATIENCE);
    await database.batch([change(`update task_instance set state = 'success' where id = 'one'`)]);
    await vi.waitUntil(() => names(world).length === 1, PATIENCE);
    expect([names(world), (await triggerStates(database)).map(({ id }) => id)]).toEqual([['two'], ['two']]);
  });

  test('takes no more than it has room for', async () => {
    const database = await prepare();
    await using world = await start(database, succeed, { capacity: 1 });
    await vi.waitUntil(() => names(world).length === 1, PATIENCE);
    world.children[0]?.fire('one', { ok: true, json: 'null' });
    await vi.waitUntil(() => names(world)[0] === 'two', PATIENCE);
  });

  test('leaves what it holds to others when it stops', async () => {
    const database = await prepare();
    const first = await start(database);
    await vi.waitUntil(() => names(first).length === 2, PATIENCE);
    await first[Symbol.asyncDispose]();
    await using second = await start(await open());
    await vi.waitUntil(() => names(second).length === 2, PATIENCE);
  });

  test('takes over what a dead one held, whose events then change nothing', async () => {
    const database = await prepare();
    await using silent = await start(database, succeed, { recoveryIntervalMs: 3_600_000 });
    await vi.waitUntil(() => names(silent).length === 2, PATIENCE);
    await database.batch([change('update job set expires_at = 0')]);
    await using other = await start(await open());
    await vi.waitUntil(() => names(other).length === 2, PATIENCE);
    silent.children[0]?.fire('one', { ok: true, json: '"late"' });
    other.children[0]?.fire('two', { ok: true, json: '"in time"' });
    await vi.waitUntil(() => other.fired() === 1, PATIENCE);
    expect(await triggerStates(database)).toEqual([
      { id: 'one', state: 'waiting', event: null },
      { id: 'two', state: 'fired', event: '{"ok":true,"json":"\\"in time\\""}' },
    ]);
    expect(silent.fired()).toBe(0);
  });

  test('that lost its lease begins again under a new term', async () => {
    const database = await prepare();
    await using world = await start(database);
    await vi.waitUntil(() => names(world).length === 2, PATIENCE);
    await database.batch([change('update job set ended_at = 1')]);
    await vi.waitUntil(() => world.children.length >= 2 && world.children.at(-1)?.running.size === 2, PATIENCE);
    world.children.at(-1)?.fire('one', { ok: true, json: 'null' });
    await vi.waitUntil(() => world.fired() === 1, PATIENCE);
  });

  const failure = {
    taskInstanceId: 'one',
    epoch: 1,
    kind: 'failure',
    state: 'deferred',
    context: '{"dagId":"dag_1","runId":"run_1"}',
  } as const;
  const callbackState = async (database: Database) => (await read(database, 'select state, attempts, failure from callback_request'))[0];

  test('calls callbacks once where all goes well', async () => {
    const database = await prepare();
    await database.batch([requestTaskCallbacks(1, [failure])]);
    await using world = await start(database);
    await vi.waitUntil(async () => (await callbackState(database))?.['state'] === 'success', PATIENCE);
    expect(world.calls).toMatchObject([
      {
        callbackId: 'one.1.failure',
        target: { of: 'task', taskId: 'one', when: 'failure' },
        code: { file: 'dag_1.ts', bundleVersion: 'bundle' },
      },
    ]);
  });

  test('records what callbacks threw, and does not call them again', async () => {
    const database = await prepare();
    await database.batch([requestTaskCallbacks(1, [failure])]);
    await using world = await start(database, ({ callbackId }, { onMessage }) =>
      onMessage({ type: 'called', callbackId, failures: [{ place: 0, message: 'no such channel' }] }),
    );
    await vi.waitUntil(async () => (await callbackState(database))?.['state'] === 'failed', PATIENCE);
    expect([await callbackState(database), world.calls.length]).toEqual([{ state: 'failed', attempts: 1, failure: 'no such channel' }, 1]);
  });

  test('calls callbacks again whose process died, but not for ever', async () => {
    const database = await prepare();
    await database.batch([requestTaskCallbacks(1, [failure])]);
    await using world = await start(database, (_, { onGone }) => onGone({ wasReady: true, problem: 'it was ended by SIGKILL' }));
    await vi.waitUntil(async () => (await callbackState(database))?.['state'] === 'failed', PATIENCE);
    expect([await callbackState(database), world.calls.length]).toEqual([
      { state: 'failed', attempts: 3, failure: 'it was ended by SIGKILL' },
      3,
    ]);
  });
});

type Answer = (work: CallbackWork, events: CallbackChildEvents) => void;

function succeed({ callbackId }: CallbackWork, { onMessage }: CallbackChildEvents): void {
  onMessage({ type: 'called', callbackId, failures: [] } satisfies CallbackChildMessage);
}

function playCallbackChild(events: CallbackChildEvents, calls: CallbackWork[], answer: Answer): CallbackChild {
  return {
    call(work) {
      calls.push(work);
      queueMicrotask(() => answer(work, events));
    },
    cancel: () => undefined,
    kill: () => queueMicrotask(() => events.onGone({ wasReady: true, problem: 'killed' })),
  };
}
