import { getHeapSpaceStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import type { Clock } from './clock.ts';
import { returnMemoryWhenQuiet } from './return-memory.ts';

/** Every timer fires in the next turn of the event loop. */
const clock: Clock = {
  now: () => 0,
  monotonicMs: () => 0,
  setTimer(_, fire) {
    const handle = setImmediate(fire);
    return { cancel: () => clearImmediate(handle) };
  },
};

/** Answers with one share after the other, and with none for ever. */
function shares(...values: readonly number[]): { take: () => number; left: number[] } {
  const left = [...values];
  return { take: () => left.shift() ?? 0, left };
}

test('memory is returned once, after the first second in which the process did next to nothing', async () => {
  // The first one is of the time before.
  const busy = shares(0, 0.9, 0.1, 0.09, 0);
  let collections = 0;
  await returnMemoryWhenQuiet({
    clock,
    signal: new AbortController().signal,
    takeBusyShare: busy.take,
    collect: () => Promise.resolve(void (collections += 1)),
  });
  expect({ collections, left: busy.left }).toEqual({ collections: 1, left: [0] });
});

test('a process that is to end returns nothing', async () => {
  const ending = new AbortController();
  let collections = 0;
  const returned = returnMemoryWhenQuiet({
    clock,
    signal: ending.signal,
    takeBusyShare: () => 0,
    collect: () => Promise.resolve(void (collections += 1)),
  });
  ending.abort();
  await returned;
  expect(collections).toBe(0);
});

test('the room for new objects is given back', async () => {
  let kept: unknown[] = [];
  for (let round = 0; round < 100; round += 1) kept = Array.from({ length: 20_000 }, () => ({ kept: kept.length }));
  const before = newSpaceBytes();
  await returnMemoryWhenQuiet({ clock, signal: new AbortController().signal, takeBusyShare: () => 0 });
  expect(kept).toHaveLength(20_000);
  expect(newSpaceBytes()).toBeLessThan(before / 2);
});

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.physical_space_size ?? 0;
}
