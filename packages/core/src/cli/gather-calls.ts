import type { Clock, Timer } from '../platform/clock.ts';

/** A function whose calls are gathered. */
export interface GatheredCalls {
  /** Asks for a call. */
  ask(): void;
  /** Takes back what was asked for and not done yet. */
  stop(): void;
}

/** Shorter than anybody notices who waits for what was saved. */
const WINDOW_MS = 50;

/**
 * Calls `call` at the end of the turn of the event loop in which it is asked for, however often, and then at most every 50 ms: for what costs as much for a
 * hundred reasons as for one.
 */
export function gatherCalls(clock: Clock, call: () => void): GatheredCalls {
  let timer: Timer | undefined;
  let calledMs = Number.NEGATIVE_INFINITY;
  return {
    ask() {
      timer ??= clock.setTimer(Math.max(0, calledMs + WINDOW_MS - clock.monotonicMs()), () => {
        timer = undefined;
        calledMs = clock.monotonicMs();
        call();
      });
    },
    stop() {
      timer?.cancel();
      timer = undefined;
    },
  };
}
