import { expect, test } from 'vitest';
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
  readonly idle: Promise<void>;
}

function begin(): Begun {
  const saved: string[][] = [];
  const turn = new Turn();
  const { promise, resolve } = Promise.withResolvers<void>();
  const save = (items: readonly Item[]): Promise<void> => {
    saved.push(items.map(({ file, text }) => `${file} ${text}`));
    return Promise.resolve();
  };
  return { queue: new SaveQueue<Item>({ save, turn, onIdle: resolve }), saved, turn, idle: promise };
}

test('saves together what comes while something else has the turn, in its order', async () => {
  const { queue, saved, turn, idle } = begin();
  const blocked = Promise.withResolvers<void>();
  void turn.run(() => blocked.promise);
  await queue.add({ file: 'a', text: '1' });
  await queue.add({ file: 'b', text: '1' });
  expect(saved).toEqual([]);
  expect(queue.isIdle).toBe(false);
  blocked.resolve();
  await idle;
  expect(saved).toEqual([['a 1', 'b 1']]);
  expect(queue.isIdle).toBe(true);
});

test('saves two readings of the same file one after the other', async () => {
  const { queue, saved, idle } = begin();
  for (const [file, text] of Object.entries({ a: '1', b: '1' })) await queue.add({ file, text });
  await queue.add({ file: 'a', text: '2' });
  await queue.add({ file: 'c', text: '1' });
  await idle;
  const groups = saved.map((group) => group.map((item) => item.split(' ')[0]));
  for (const group of groups) expect(new Set(group).size).toBe(group.length);
  expect(saved.flat()).toEqual(['a 1', 'b 1', 'a 2', 'c 1']);
});

test('takes nothing further while too many wait', async () => {
  const { queue, saved, turn } = begin();
  const blocked = Promise.withResolvers<void>();
  void turn.run(() => blocked.promise);
  for (let item = 0; item < 63; item += 1) await queue.add({ file: `file ${item}`, text: '1' });
  const last = queue.add({ file: 'last', text: '1' });
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
  await queue.add({ file: 'a', text: '1' });
  const stopped = queue.stop();
  blocked.resolve();
  await stopped;
  expect(saved.flat()).toEqual([]);
});
