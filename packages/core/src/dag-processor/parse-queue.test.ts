import { expect, test } from 'vitest';
import { createVirtualClock } from '../platform/testing/virtual-clock.ts';
import { ParseQueue, type ReadingReason } from './parse-queue.ts';

/** A queue whose readings end when the test says so. */
function createQueue() {
  const clock = createVirtualClock();
  const read: string[] = [];
  const running = new Map<string, () => void>();
  const state = { idle: 0 };
  const queue = new ParseQueue(clock, {
    read: (file, reason) =>
      new Promise<void>((resolve) => {
        read.push(`${file} ${reason}`);
        running.set(file, resolve);
      }),
    onIdle: () => {
      state.idle += 1;
    },
  });
  const end = async (file: string): Promise<void> => {
    running.get(file)?.();
    running.delete(file);
    await clock.advance(0);
  };
  const add = (files: string, reason: ReadingReason = 'changed'): void => {
    for (const file of files.split(' ')) queue.add(file, reason);
  };
  return { clock, queue, read, end, add, state, running };
}

test('reads two files at a time, in the order in which they came', async () => {
  const { add, end, read } = createQueue();
  add('a b c');
  expect(read).toEqual(['a changed', 'b changed']);
  await end('b');
  expect(read).toEqual(['a changed', 'b changed', 'c changed']);
});

test('reads changed files before failed ones, and compares last', async () => {
  const { add, end, read } = createQueue();
  add('a b');
  add('compared', 'compared');
  add('retried', 'retried');
  add('changed');
  for (const file of ['a', 'b', 'changed', 'retried', 'compared']) await end(file);
  expect(read.slice(2)).toEqual(['changed changed', 'retried retried', 'compared compared']);
});

test('gives a waiting file the better of two reasons', async () => {
  const { add, end, read } = createQueue();
  add('a b');
  add('x', 'compared');
  add('x');
  add('x', 'retried');
  await end('a');
  expect(read.at(-1)).toBe('x changed');
});

test('reads a file once more when it changes while it is read, and never twice at once', async () => {
  const { add, end, read } = createQueue();
  add('a a a');
  expect(read).toEqual(['a changed']);
  await end('a');
  expect(read).toEqual(['a changed', 'a changed']);
});

test('lets others begin beside files that hang, up to four in all', async () => {
  const { add, read, clock, end } = createQueue();
  add('hangs1 hangs2 a b c');
  await clock.advance(1_999);
  expect(read).toHaveLength(2);
  await clock.advance(1);
  expect(read.slice(2)).toEqual(['a changed', 'b changed']);
  await end('a');
  expect(read.at(-1)).toBe('c changed');
  await clock.advance(60_000);
  add('d e');
  expect(read).toHaveLength(5);
  await end('hangs1');
  expect(read).toHaveLength(6);
});

test('says when nothing is left to read', async () => {
  const { add, end, state, queue } = createQueue();
  add('a b');
  await end('a');
  expect([state.idle, queue.isIdle]).toEqual([0, false]);
  await end('b');
  expect([state.idle, queue.isIdle]).toEqual([1, true]);
});

test('does not read what was dropped', async () => {
  const { add, end, read, queue } = createQueue();
  add('a b gone');
  queue.drop('gone');
  await end('a');
  expect(read).toHaveLength(2);
});

test('begins nothing after it was stopped, and waits for what runs', async () => {
  const { add, end, read, queue } = createQueue();
  add('a b c');
  let isStopped = false;
  const stopped = queue.stop().then(() => {
    isStopped = true;
  });
  await end('a');
  expect(isStopped).toBe(false);
  await end('b');
  await stopped;
  add('d');
  expect(read).toHaveLength(2);
});

test('says of files that many have changed, until none of them waits', async () => {
  const areMany: string[] = [];
  const ends: (() => void)[] = [];
  const clock = createVirtualClock();
  const queue = new ParseQueue(clock, {
    read: (file, _reason, isOneOfMany) =>
      new Promise<void>((resolve) => {
        if (isOneOfMany) areMany.push(file);
        ends.push(resolve);
      }),
    onIdle: () => {},
  });
  const endAll = async (): Promise<void> => {
    while (ends.length > 0) {
      ends.shift()?.();
      await clock.advance(0);
    }
  };
  for (let file = 0; file < 12; file += 1) queue.add(`${file}`, file === 5 ? 'retried' : 'changed');
  await endAll();
  expect(areMany).toEqual(['2', '3', '4', '6', '7', '8', '9', '10', '11']);
  for (const file of ['a', 'b', 'c']) queue.add(file, 'changed');
  await endAll();
  expect(areMany).toHaveLength(9);
});

test('many that are added together are many from the first one on', async () => {
  const clock = createVirtualClock();
  const read: boolean[] = [];
  const queue = new ParseQueue(clock, {
    read: (_file, _reason, isOneOfMany) => {
      read.push(isOneOfMany);
      return Promise.resolve();
    },
    onIdle: () => {},
  });
  queue.addAll(
    Array.from({ length: 9 }, (_, file) => `file ${file}`),
    'changed',
  );
  await clock.advance(0);
  expect(read).toEqual(Array.from({ length: 9 }, () => true));
  queue.addAll(['one', 'two'], 'changed');
  await clock.advance(0);
  expect(read.slice(9)).toEqual([false, false]);
});
