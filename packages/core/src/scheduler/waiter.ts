import type { Clock, Timer } from '../platform/clock.ts';

/** Lets a loop sleep until somebody wakes it or a time has come; a wake-up between two waits is not lost. */
export interface Waiter {
  /** Ends the current wait, or the next one at once. */
  wake(): void;
  /** Forgets wake-ups so far: the loop is about to look at everything. */
  reset(): void;
  /** Waits for a wake-up, at most until `at`. With `onlySignal`, wake-ups are noted but only the signal or the time ends the wait. */
  wait(at: number, onlySignal?: AbortSignal): Promise<void>;
}

/** A waiter on a clock. */
export function createWaiter(clock: Clock): Waiter {
  let isAwake = false;
  let finish: (() => void) | undefined;
  return {
    wake() {
      isAwake = true;
      finish?.();
    },
    reset() {
      isAwake = false;
    },
    wait(at, onlySignal) {
      if (isAwake && onlySignal === undefined) return Promise.resolve();
      return new Promise((resolve) => {
        let timer: Timer | undefined;
        const end = (): void => {
          timer?.cancel();
          finish = undefined;
          onlySignal?.removeEventListener('abort', end);
          resolve();
        };
        timer = Number.isFinite(at) ? clock.setTimer(Math.max(0, at - clock.now()), end) : undefined;
        if (onlySignal === undefined) finish = end;
        else onlySignal.addEventListener('abort', end, { once: true });
        if (onlySignal?.aborted === true) end();
      });
    },
  };
}
