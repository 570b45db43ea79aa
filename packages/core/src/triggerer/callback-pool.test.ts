import type { CallbackWork } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { createVirtualClock } from '../platform/testing/virtual-clock.ts';
import { CallbackPool, type CallbackChildEvents } from './callback-pool.ts';

interface PlayedChild {
  readonly events: CallbackChildEvents;
  readonly calls: CallbackWork[];
  readonly cancelled: string[];
  isKilled: boolean;
  answer(): void;
}

function work(callbackId: string, version = 'one'): CallbackWork {
  return { callbackId, code: { manifestFile: `/${version}.json` } } as CallbackWork;
}

function createWorld() {
  const clock = createVirtualClock();
  const children: PlayedChild[] = [];
  const pool = new CallbackPool({
    clock,
    timeoutMs: 30_000,
    parallelism: 2,
    createChild(events) {
      const played: PlayedChild = {
        events,
        calls: [],
        cancelled: [],
        isKilled: false,
        answer: () => events.onMessage({ type: 'called', callbackId: played.calls.at(-1)?.callbackId ?? '', failures: [] }),
      };
      children.push(played);
      return {
        call: (one) => played.calls.push(one),
        cancel: (reason) => played.cancelled.push(reason),
        kill() {
          if (!played.isKilled) queueMicrotask(() => events.onGone({ wasReady: true, problem: 'killed' }));
          played.isKilled = true;
        },
      };
    },
  });
  const outcomes: string[] = [];
  const call = (id: string, version?: string): void =>
    void pool.call(work(id, version), () => undefined).then(({ outcome }) => outcomes.push(`${id} ${outcome}`));
  const calls = (): string[][] => children.map((child) => child.calls.map(({ callbackId }) => callbackId));
  return { clock, pool, children, outcomes, call, calls };
}

test('a child calls one list after the other, and as many at once as may be', async () => {
  const { clock, children, outcomes, call, calls } = createWorld();
  for (const id of ['a', 'b', 'c']) call(id);
  expect(calls()).toEqual([['a'], ['b']]);
  children[0]?.answer();
  await clock.advance(0);
  expect([calls(), outcomes]).toEqual([[['a', 'c'], ['b']], ['a called']]);
});

test('an idle child makes room for another version, and goes by itself after a while', async () => {
  const { clock, children, call, calls } = createWorld();
  call('a');
  call('b');
  for (const child of children) child.answer();
  call('c', 'two');
  await clock.advance(0);
  expect([calls(), children.map(({ isKilled }) => isKilled)]).toEqual([
    [['a'], ['b'], ['c']],
    [true, false, false],
  ]);
  await clock.advance(29_999);
  children[2]?.answer();
  await clock.advance(1);
  expect(children.map(({ isKilled }) => isKilled)).toEqual([true, true, false]);
});

test('a list that takes too long is asked to end, and then ended', async () => {
  const { clock, children, outcomes, call } = createWorld();
  call('a');
  await clock.advance(30_000);
  expect([children[0]?.cancelled.length, children[0]?.isKilled, outcomes]).toEqual([1, false, []]);
  await clock.advance(1_000);
  expect([children[0]?.isKilled, outcomes]).toEqual([true, ['a timeout']]);
});

test('what is being called when everything stops may end within a moment, and has died otherwise', async () => {
  const { clock, pool, children, outcomes, call } = createWorld();
  for (const id of ['a', 'b', 'c']) call(id);
  const stopped = pool.stop();
  children[0]?.answer();
  await clock.advance(0);
  expect(outcomes.toSorted()).toEqual(['a called', 'c died']);
  await clock.advance(500);
  await stopped;
  expect(outcomes.toSorted()).toEqual(['a called', 'b died', 'c died']);
});
