import { describe, expect, test } from 'vitest';
import { backOffMs, createBackOff } from './back-off.ts';
import { createSeededRandom } from '../platform/testing/seeded-random.ts';
import { createVirtualClock } from '../platform/testing/virtual-clock.ts';

const always = (fraction: number) => ({ fraction: () => fraction, uuid: () => '' });

describe('backOffMs', () => {
  test.each([
    [1, 200],
    [2, 400],
    [5, 3_200],
    [8, 25_600],
    [9, 30_000],
    [5_000, 30_000],
  ])('waits at most the base doubled with each failure: after %i failures %i ms', (failures, longestMs) => {
    expect(backOffMs(failures, always(1))).toBe(longestMs);
    expect(backOffMs(failures, always(0.5))).toBe(longestMs / 2);
    expect(backOffMs(failures, always(0))).toBe(0);
  });

  test('takes another cap', () => {
    expect(backOffMs(100, always(1), 300_000)).toBe(300_000);
  });
});

describe('createBackOff', () => {
  test('waits longer with every failure until it is reset', async () => {
    const clock = createVirtualClock(0);
    const backOff = createBackOff({ clock, random: always(1) });
    const { signal } = new AbortController();
    const waited: number[] = [];
    for (const step of ['fail', 'fail', 'fail', 'reset', 'fail']) {
      if (step === 'reset') backOff.reset();
      else {
        const before = clock.now();
        let isOver = false;
        void backOff.wait(signal).then(() => (isOver = true));
        await clock.runUntil(() => isOver);
        waited.push(clock.now() - before);
      }
    }
    expect(waited).toEqual([200, 400, 800, 200]);
  });

  test('ends the wait when it is aborted', async () => {
    const stopping = new AbortController();
    const wait = createBackOff({ clock: createVirtualClock(), random: createSeededRandom(1) }).wait(stopping.signal);
    stopping.abort();
    await wait;
  });
});
