import { expect, test } from 'vitest';
import { createVirtualClock } from '../platform/testing/virtual-clock.ts';
import { gatherCalls } from './gather-calls.ts';

function begin() {
  const clock = createVirtualClock();
  const calledAt: number[] = [];
  const startedAt = clock.monotonicMs();
  const calls = gatherCalls(clock, () => calledAt.push(clock.monotonicMs() - startedAt));
  return { clock, calls, calledAt };
}

test('what is asked for once is done at the end of the turn', async () => {
  const { clock, calls, calledAt } = begin();
  calls.ask();
  expect(calledAt).toEqual([]);
  await clock.advance(0);
  expect(calledAt).toEqual([0]);
});

test('what is asked for a hundred times in one turn is done once', async () => {
  const { clock, calls, calledAt } = begin();
  for (let time = 0; time < 100; time += 1) calls.ask();
  await clock.advance(1_000);
  expect(calledAt).toEqual([0]);
});

test('what is asked for again and again is done every 50 ms, also the last time', async () => {
  const { clock, calls, calledAt } = begin();
  for (let elapsedMs = 0; elapsedMs < 120; elapsedMs += 10) {
    calls.ask();
    await clock.advance(10);
  }
  await clock.advance(1_000);
  expect(calledAt).toEqual([0, 50, 100, 150]);
});

test('nothing is done after the stop', async () => {
  const { clock, calls, calledAt } = begin();
  calls.ask();
  calls.stop();
  await clock.advance(1_000);
  expect(calledAt).toEqual([]);
});
