import type { Clock } from '../platform/clock.ts';

/** A clock that stands still between its timers. */
export interface VirtualTime extends Clock {
  /** When the next timer is due; undefined where there is none. */
  nextAt(): number | undefined;
  /** Moves to a time, which is not before now, and fires the timers that are due by then: the earliest first, and of two of the same time the older one. */
  moveTo(at: number): void;
}

interface PlannedTimer {
  readonly at: number;
  readonly fire: () => void;
}

/** Starts at an instant, in milliseconds since the epoch. */
export function createVirtualTime(startAt: number): VirtualTime {
  // In the order in which they are due. A scheduler plans a few at a time and cancels most of them: a list is faster than a heap.
  const planned: PlannedTimer[] = [];
  let now = startAt;
  return {
    now: () => now,
    monotonicMs: () => now,
    setTimer(delayMs, fire) {
      const timer = { at: now + Math.max(0, delayMs), fire };
      const later = planned.findIndex(({ at }) => at > timer.at);
      planned.splice(later === -1 ? planned.length : later, 0, timer);
      return {
        cancel() {
          const place = planned.indexOf(timer);
          if (place >= 0) planned.splice(place, 1);
        },
      };
    },
    nextAt: () => planned[0]?.at,
    moveTo(at) {
      now = at;
      const due = planned.findIndex((timer) => timer.at > at);
      for (const { fire } of planned.splice(0, due === -1 ? planned.length : due)) fire();
    },
  };
}
