/** A timer that has not fired yet. */
export interface Timer {
  /** Idempotent; a timer that has fired is not affected. */
  cancel(): void;
}

/**
 * The only source of time in `core` (adr/0007): the system's in production, a virtual one in the simulation and in tests.
 */
export interface Clock {
  /** Wall-clock time in whole milliseconds since the epoch. For what is stored and shown. */
  now(): number;
  /** Milliseconds that never run backwards, with fractions. For durations inside this process. */
  monotonicMs(): number;
  /** Calls `fire` once after at least `delayMs`; any delay is allowed, also beyond 24.8 days. */
  setTimer(delayMs: number, fire: () => void): Timer;
}

/** Node fires at once when asked to wait longer than this (2^31 - 1 ms), so longer delays are taken in steps. */
const LONGEST_NODE_DELAY_MS = 2_147_483_647;

/** The clock of the machine. Its timers keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    if (delayMs <= 0) return afterPendingEvents(fire);
    let remainingMs = delayMs;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const stepMs = Math.min(remainingMs, LONGEST_NODE_DELAY_MS);
      remainingMs -= stepMs;
      handle = setTimeout(() => {
        if (remainingMs > 0) arm();
        else fire();
      }, stepMs);
    };
    arm();
    return {
      cancel() {
        clearTimeout(handle);
      },
    };
  },
};

/** Without a delay a timer fires after the events that are already waiting; Node's shortest timeout would cost a whole millisecond. */
function afterPendingEvents(fire: () => void): Timer {
  const handle = setImmediate(fire);
  return {
    cancel() {
      clearImmediate(handle);
    },
  };
}

/**
 * Waits `delayMs`, or less where `signal` aborts. Never rejects: the caller's loop asks the signal what to do next.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const finish = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimer(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
