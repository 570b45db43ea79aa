import { sleep, type Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';

const BASE_MS = 200;
const CAP_MS = 30_000;
/** 200 ms doubled this often is past every cap that is asked for. */
const MOST_DOUBLINGS = 30;

/** Waits that grow with every failure in a row. */
export interface BackOff {
  /** Waits after one more failure, or less where `signal` aborts. */
  wait(signal: AbortSignal): Promise<void>;
  /** Forgets the failures: the next wait is short again. */
  reset(): void;
}

/** A back-off that starts at 200 ms and stops growing at 30 s. */
export function createBackOff({ clock, random }: { readonly clock: Clock; readonly random: Random }): BackOff {
  let failures = 0;
  return {
    wait(signal) {
      failures += 1;
      return sleep(clock, backOffMs(failures, random), signal);
    },
    reset() {
      failures = 0;
    },
  };
}

/**
 * How long to wait after this many failures in a row: anything up to 200 ms doubled with each, so that those who failed together do not come
 * back together ("full jitter", AWS Architecture Blog, Exponential Backoff And Jitter).
 *
 * @param failures 1 after the first
 * @param capMs the longest wait. @default 30 seconds
 */
export function backOffMs(failures: number, random: Random, capMs = CAP_MS): number {
  const ceilingMs = Math.min(capMs, BASE_MS * 2 ** Math.min(failures - 1, MOST_DOUBLINGS));
  return Math.ceil(ceilingMs * random.fraction());
}
