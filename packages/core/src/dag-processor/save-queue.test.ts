import { expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../platform/testing/virtual-clock.ts';
import { SaveQueue } from './save-queue.ts';
import { Turn } from './turn.ts';

interface Item {
  readonly file: string;
  readonly text: string;
}

interface Begun {
  readonly queue: SaveQueue<Item>;
  readonly saved: string[][];
  readonly turn: Turn;
  readonly clock: VirtualClock;
  readonly idle: Promise<void>;
}

function begin(): Begun {
  const saved: string[][] = [];
  const turn = new Turn();
  const clock = createVirtualClock();
  const { promise, resolve } = Promise.withResolvers<void>();
  const save = (items: readonly Item[]): Promise<void> => {
    saved.push(items.map(({ file, text }) => `${file} ${text}`));
    return Promise.resolve();
  };
  return { queue: new SaveQueue<Item>({ save, turn, clock, onIdle: resolve }), saved, turn, clock, idle: promise };
}

test('saves together what comes while something else has the turn, in its order', async () => {
  const { queue, saved, turn, idle } = begin();
  const blocked = Promise.withResolvers<void>();
  void turn.run(() => blocked.promise);
  await queue.add({ file: 'a', text: '1' }, false);
  await queue.add({ file: 'b', text: '1' }, false);
  expect(saved).toEqual([]);
  expect(queue.isIdle).toBe(false);
  blocked.resolve();
  await idle;
  expect(saved).toEqual([['a 1', 'b 1']]);
  expect(queue.isIdle).toBe(true);
});

test('saves two readings of the same file one after the other', async () => {
  const { queue, saved, idle } = begin();
  for (const [file, text] of Object.entries({ a: '1', b: '1' })) await queue.add({ file, text }, false);
  await queue.add({ file: 'a', text: '2' }, false);
  await queue.add({ file: 'c', text: '1' }, false);
  await idle;
  const groups = saved.map((group) => group.map((item) => item.split(' ')[0]));
  for (const group of groups) expect(new Set(group).size).toBe(group.length);
  expect(saved.flat()).toEqual(['a 1', 'b 1', 'a 2', 'c 1']);
});

test('takes nothing further while too many wait', async () => {
  const { queue, saved, turn } = begin();
  const blocked = Promise.withResolvers<void>();
  void turn.run(() => blocked.promise);
  for (let item = 0; item < 63; item += 1) await queue.add({ file: `file ${item}`, text: '1' }, false);
  const last = queue.add({ file: 'last', text: '1' }, false);
  expect(saved).toEqual([]);
  blocked.resolve();
  await last;
  expect(saved.flat()).toHaveLength(64);
  expect(Math.max(...saved.map((group) => group.length))).toBe(16);
});

test('forgets what waits when it is stopped', async () => {
  const { queue, saved, turn } = begin();
  const blocked = Promise.withResolvers<void>();
  void turn.run(() => blocked.promise);
  await queue.add({ file: 'a', text: '1' }, false);
  const stopped = queue.stop();
  blocked.resolve();
  await stopped;
  expect(saved.flat()).toEqual([]);
});

test('one of many waits for others, but not for long', async () => {
  const { queue, saved, clock, idle } = begin();
  await queue.add({ file: 'a', text: '1' }, true);
  await clock.advance(30);
  await queue.add({ file: 'b', text: '1' }, true);
  expect(saved).toEqual([]);
  await clock.advance(10);
  await idle;
  expect(saved).toEqual([['a 1', 'b 1']]);
});

test('as many as are saved in one go wait no longer', async () => {
  const { queue, saved, clock } = begin();
  for (let item = 0; item < 16; item += 1) await queue.add({ file: `file ${item}`, text: '1' }, true);
  await clock.advance(0);
  expect(saved.map((group) => group.length)).toEqual([16]);
});

test('what comes alone is saved at once, with what waited for others', async () => {
  const { queue, saved, clock } = begin();
  await queue.add({ file: 'a', text: '1' }, true);
  await queue.add({ file: 'b', text: '1' }, false);
  await clock.advance(0);
  expect(saved).toEqual([['a 1', 'b 1']]);
});

test('a queue that is stopped waits for nothing', async () => {
  const { queue, saved } = begin();
  await queue.add({ file: 'a', text: '1' }, true);
  await queue.stop();
  expect({ saved, isIdle: queue.isIdle }).toEqual({ saved: [], isIdle: true });
});
