import { expect, test } from 'vitest';
import { createVirtualClock } from '../platform/testing/virtual-clock.ts';
import { ChangeSignal } from './change-signal.ts';

function watchWait(signal: ChangeSignal, longestMs = 30_000, abort = new AbortController()) {
  const state = { isOver: false, abort };
  void signal.wait(longestMs, abort.signal).then(() => {
    state.isOver = true;
  });
  return state;
}

test('waits until the changes have been quiet for a moment', async () => {
  const clock = createVirtualClock();
  const changes = new ChangeSignal(clock);
  const waiting = watchWait(changes);
  for (let step = 0; step < 5; step += 1) {
    changes.notify();
    await clock.advance(20);
  }
  expect(waiting.isOver).toBe(false);
  await clock.advance(10);
  expect(waiting.isOver).toBe(true);
});

test('does not wait for ever for a folder that is never quiet', async () => {
  const clock = createVirtualClock();
  const changes = new ChangeSignal(clock);
  const waiting = watchWait(changes);
  for (let elapsedMs = 0; elapsedMs < 260; elapsedMs += 10) {
    changes.notify();
    await clock.advance(10);
  }
  expect(waiting.isOver).toBe(true);
});

test('keeps a change that comes while nobody waits', async () => {
  const clock = createVirtualClock();
  const changes = new ChangeSignal(clock);
  changes.notify();
  await clock.advance(1_000);
  expect(changes.isPending).toBe(true);
  const waiting = watchWait(changes);
  await clock.advance(0);
  expect(waiting.isOver).toBe(true);
});

test('is pending from the change until it is taken', async () => {
  const clock = createVirtualClock();
  const changes = new ChangeSignal(clock);
  expect(changes.isPending).toBe(false);
  changes.notify();
  expect(changes.isPending).toBe(true);
  await clock.advance(30);
  expect(changes.isPending).toBe(true);
  changes.take();
  expect(changes.isPending).toBe(false);
});

test('stops waiting after the longest time, and when it is aborted', async () => {
  const clock = createVirtualClock();
  const changes = new ChangeSignal(clock);
  const [timed, aborted] = [watchWait(changes, 100), watchWait(changes)];
  aborted.abort.abort();
  await clock.advance(100);
  expect([timed.isOver, aborted.isOver]).toEqual([true, true]);
});
