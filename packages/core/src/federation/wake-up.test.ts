import { expect, test } from 'vitest';
import { createVirtualClock } from '../platform/testing/virtual-clock.ts';
import { createWakeUp } from './wake-up.ts';

const idle = new AbortController().signal;

test('a rest lasts until it is woken', async () => {
  const clock = createVirtualClock(0);
  const wakeUp = createWakeUp(clock);
  const rest = wakeUp.rest(1_000, idle);
  wakeUp.wake();
  await rest;
  expect(clock.now()).toBe(0);
});

test('a wake that comes before the rest is not lost, and counts once', async () => {
  const clock = createVirtualClock(0);
  const wakeUp = createWakeUp(clock);
  wakeUp.wake();
  wakeUp.wake();
  await wakeUp.rest(1_000, idle);
  let isOver = false;
  void wakeUp.rest(1_000, idle).then(() => (isOver = true));
  await clock.advance(999);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(isOver).toBe(true);
});

test('a rest ends when it is aborted, and does not begin after that', async () => {
  const wakeUp = createWakeUp(createVirtualClock());
  const stopping = new AbortController();
  const rest = wakeUp.rest(1_000, stopping.signal);
  stopping.abort();
  await rest;
  await wakeUp.rest(1_000, stopping.signal);
});
