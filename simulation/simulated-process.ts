import type { VirtualTime } from './virtual-time.ts';

/**
 * A process of the simulated world. States: alive → dead (`kill`, final: its successor is another process). While alive it may be paused, as by
 * SIGSTOP or a long collection of garbage: what it waits for happens later.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly #time: VirtualTime;
  #isAlive = true;
  #pausedUntil = 0;

  constructor(name: string, time: VirtualTime) {
    this.name = name;
    this.#time = time;
  }

  isAlive(): boolean {
    return this.#isAlive;
  }

  /** How much longer the process is paused. */
  delayMs(): number {
    return Math.max(0, this.#pausedUntil - this.#time.now);
  }

  pause(durationMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#time.now + durationMs);
  }

  /** As `kill -9`: whatever it was waiting for, it never goes on. */
  kill(): void {
    this.#isAlive = false;
  }

  /**
   * Waits for something that the world does on the process's behalf. The world does it (`act`) even if the process dies meanwhile; only a living process hears of
   * it. Every wait of a simulated process goes through here, so it can die between any two of them.
   */
  wait<Result>(label: string, delayMs: () => number, act: () => Result | Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#time.plan(delayMs(), `${this.name} ${label}`, () => {
        let settle: () => void;
        try {
          const result = act();
          settle = () => {
            resolve(result);
          };
        } catch (error) {
          settle = () => {
            reject(error);
          };
        }
        this.#hear(label, delayMs(), settle);
      });
    });
  }

  #hear(label: string, delayMs: number, settle: () => void): void {
    this.#time.plan(Math.max(delayMs, this.delayMs()), `${this.name} hears ${label}`, () => {
      if (!this.#isAlive) return;
      if (this.delayMs() > 0) this.#hear(label, 0, settle);
      else settle();
    });
  }
}
