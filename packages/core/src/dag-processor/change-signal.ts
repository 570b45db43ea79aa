import type { Clock, Timer } from '../platform/clock.ts';

/** Editors write a file in several steps: a change counts when nothing has happened for this long. */
const QUIET_MS = 25;
/** And at the latest this long after the first one, for folders that are never quiet. */
const LONGEST_UNQUIET_MS = 250;

/** Lets a loop wait for changes: many in a row are one, and one that comes while the loop is busy is not lost. */
export class ChangeSignal {
  readonly #clock: Clock;
  #firstChangeMs: number | undefined;
  #quietTimer: Timer | undefined;
  #isDue = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there is a change that was not taken yet. */
  get isPending(): boolean {
    return this.#isDue || this.#firstChangeMs !== undefined;
  }

  /** Says that something has changed. */
  notify(): void {
    const now = this.#clock.monotonicMs();
    this.#firstChangeMs ??= now;
    this.#quietTimer?.cancel();
    const delayMs = Math.min(QUIET_MS, this.#firstChangeMs + LONGEST_UNQUIET_MS - now);
    this.#quietTimer = this.#clock.setTimer(delayMs, () => {
      this.#firstChangeMs = undefined;
      this.#isDue = true;
      this.#wake?.();
    });
  }

  /** The changes up to now are being looked at. */
  take(): void {
    this.#isDue = false;
  }

  /** Resolves when there is a change to take, once it is quiet again; or after `longestMs` without one; or when `signal` aborts. */
  wait(longestMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', finish);
        this.#wake = undefined;
        resolve();
      };
      const timer = this.#clock.setTimer(longestMs, finish);
      signal.addEventListener('abort', finish, { once: true });
      this.#wake = finish;
      if (this.#isDue || signal.aborted) finish();
    });
  }

  /** Forgets what is pending; no timer is left. */
  close(): void {
    this.#quietTimer?.cancel();
    this.#firstChangeMs = undefined;
    this.#isDue = false;
  }
}
