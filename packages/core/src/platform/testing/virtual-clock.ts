import type { Clock } from '../clock.ts';

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /** Lets work that waits for nothing but other work finish; then lets this much time pass, timer by timer. */
  advance(ms: number): Promise<void>;
  /**
   * Lets timers fire, the earliest first, until the condition holds.
   * @throws Error where no timer is left, or an hour has passed
   */
  runUntil(condition: () => boolean | Promise<boolean>): Promise<void>;
}

interface PlannedTimer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

const LONGEST_RUN_MS = 3_600_000;

/** Starts a clock at an instant, in milliseconds since the epoch. */
export function createVirtualClock(startAt = Date.parse('2026-03-01T00:00:00Z')): VirtualClock {
  const planned = new Set<PlannedTimer>();
  let now = startAt;
  let order = 0;

  const next = (): PlannedTimer | undefined => [...planned].toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
  const fire = (timer: PlannedTimer): Promise<void> => {
    planned.delete(timer);
    now = Math.max(now, timer.at);
    timer.fire();
    return settled();
  };

  return {
    now: () => now,
    monotonicMs: () => now,
    setTimer(delayMs, action) {
      order += 1;
      const timer = { at: now + Math.max(0, delayMs), order, fire: action };
      planned.add(timer);
      return { cancel: () => planned.delete(timer) };
    },
    async advance(ms) {
      const end = now + ms;
      await settled();
      for (let timer = next(); timer !== undefined && timer.at <= end; timer = next()) await fire(timer);
      now = end;
    },
    async runUntil(condition) {
      const end = now + LONGEST_RUN_MS;
      await settled();
      while (!(await condition())) {
        const timer = next();
        if (timer === undefined || timer.at > end) throw new Error(`the condition does not hold after ${now - startAt} ms of virtual time`);
        await fire(timer);
      }
    },
  };
}

/** Promise reactions run before the next macrotask. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    // eslint-disable-next-line eslint/no-restricted-globals -- this clock is driven by the real event loop
    setImmediate(resolve);
  });
}
