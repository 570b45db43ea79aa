import type { TriggerEvent, TriggerWork } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { silentLog } from '../platform/log.ts';
import { createVirtualClock } from '../platform/testing/virtual-clock.ts';
import { playChildren } from './testing/played-children.ts';
import { PING_MS, TriggerPool } from './trigger-pool.ts';

const DONE: TriggerEvent = { ok: true, json: 'null' };

function work(triggerId: number, version = 'one'): TriggerWork {
  const code = { bundleFolder: '/dags', file: 'a.ts', bundleVersion: version, manifestFile: `/${version}.json` };
  return { triggerId, dagId: 'dag', runId: 'run', taskId: 'task', mapIndex: -1, name: `t${triggerId}`, argsJson: 'null', code };
}

function createWorld(triggersPerChild = 1_000) {
  const clock = createVirtualClock();
  const fired = new Map<number, TriggerEvent>();
  const warnings: string[] = [];
  const { children, start } = playChildren();
  const pool = new TriggerPool({
    clock,
    log: { ...silentLog, warning: (event) => warnings.push(event), error: (event) => warnings.push(event) },
    createChild: start,
    onFired: (id, event) => fired.set(id, event),
    onLog: () => undefined,
    triggersPerChild,
  });
  const sizes = (): number[] => children.filter(({ isKilled }) => !isKilled).map(({ running }) => running.size);
  return { clock, pool, children, fired, warnings, sizes };
}

test('triggers of one version share a child until it is full, and versions never do', () => {
  const { pool, sizes } = createWorld(2);
  pool.run([work(1), work(2, 'two'), work(3), work(4)]);
  expect(sizes()).toEqual([2, 1, 1]);
});

test('a trigger fires once, and a child without triggers is ended', async () => {
  const { clock, pool, children, fired } = createWorld();
  pool.run([work(1), work(2)]);
  const [child] = children;
  child?.fire('t1', DONE);
  child?.say({ type: 'fired', triggerId: 1, event: { ok: false, message: 'again' } });
  expect([fired.get(1), pool.size, child?.isKilled]).toEqual([DONE, 1, false]);
  child?.fire('t2', DONE);
  await clock.advance(0);
  expect([pool.size, child?.isKilled]).toEqual([0, true]);
});

test('a cancelled trigger is ended in its child and fires no more', () => {
  const { pool, children, fired } = createWorld();
  pool.run([work(1), work(2)]);
  pool.cancel([1]);
  children[0]?.say({ type: 'fired', triggerId: 1, event: DONE });
  expect([fired.size, [...(children[0]?.running.keys() ?? [])]]).toEqual([0, [2]]);
});

test('a child that answers is never taken for blocked', async () => {
  const { clock, pool, children, warnings } = createWorld();
  pool.run([work(1)]);
  children[0]?.ready();
  for (let second = 0; second < 10; second += 1) {
    await clock.advance(PING_MS);
    children[0]?.say({ type: 'pong', number: children[0].pings.at(-1) ?? 0 });
  }
  expect([children[0]?.pings.length, warnings]).toEqual([10, []]);
});

test('a child that is just starting is not taken for blocked', async () => {
  const { clock, pool, warnings } = createWorld();
  pool.run([work(1)]);
  await clock.advance(10 * PING_MS);
  expect(warnings).toEqual([]);
});

test('where the loop is blocked the culprit stays, the others are moved, and what the old child still fires counts', async () => {
  const { clock, pool, children, fired, warnings } = createWorld();
  pool.run([work(1), work(2), work(3)]);
  const [old] = children;
  old?.ready();
  await clock.advance(PING_MS);
  old?.say({ type: 'blocked', triggerId: 2, blockedMs: 1_000 });
  await clock.advance(2 * PING_MS);
  expect(children.map(({ running }) => [...running.keys()])).toEqual([[2], [1, 3]]);
  expect(warnings).toHaveLength(1);
  old?.say({ type: 'fired', triggerId: 1, event: DONE });
  expect([fired.get(1), [...(children[1]?.running.keys() ?? [])]]).toEqual([DONE, [3]]);
  pool.run([work(4)]);
  expect([...(children[1]?.running.keys() ?? [])]).toEqual([3, 4]);
  pool.cancel([2]);
  expect(old?.isKilled).toBe(true);
});

test('where nobody knows what blocks the loop, all are started again in smaller groups', async () => {
  const { clock, pool, children, sizes } = createWorld(16);
  pool.run(Array.from({ length: 16 }, (_, index) => work(index + 1)));
  children[0]?.ready();
  await clock.advance(3 * PING_MS);
  expect(children[0]?.isKilled).toBe(true);
  expect(sizes()).toEqual(Array.from({ length: 8 }, () => 2));
});

test('the trigger that kills its child is the one that dies alone, twice', async () => {
  const { clock, pool, children, fired } = createWorld(64);
  pool.run(Array.from({ length: 64 }, (_, index) => work(index + 1)));
  for (let round = 0; round < 10 && fired.size === 0; round += 1) {
    for (const child of Array.from(children))
      if (!child.isKilled && child.running.has(7)) child.die({ problem: 'it was ended by SIGKILL' });
    await clock.advance(0);
  }
  expect([...fired]).toEqual([[7, { ok: false, message: 'the process that ran the trigger died each time: it was ended by SIGKILL' }]]);
  expect(pool.size).toBe(63);
});

test('a trigger that says that it ends the process is to blame, and nobody else is suspected', () => {
  const { pool, children, fired, sizes } = createWorld(64);
  pool.run(Array.from({ length: 64 }, (_, index) => work(index + 1)));
  children[0]?.say({ type: 'dying', triggerId: 3, message: 'it exits' });
  children[0]?.die();
  expect([...fired]).toEqual([[3, { ok: false, message: 'it exits' }]]);
  expect(sizes().at(-1)).toBe(63);
});

test('a process that cannot be started at all is tried again later, and nobody is suspected', async () => {
  const { clock, pool, children, fired } = createWorld(64);
  pool.run(Array.from({ length: 64 }, (_, index) => work(index + 1)));
  children[0]?.die({ wasReady: false, problem: 'no more processes' });
  expect([children.length, pool.size]).toEqual([1, 64]);
  await clock.advance(5_000);
  expect([children.length, children[1]?.running.size, fired.size]).toEqual([2, 64, 0]);
});

test('nothing fires once the pool is stopped', async () => {
  const { pool, children, fired } = createWorld();
  pool.run([work(1)]);
  const stopped = pool.stop();
  children[0]?.say({ type: 'fired', triggerId: 1, event: DONE });
  await stopped;
  expect([fired.size, children[0]?.isKilled]).toEqual([0, true]);
});
