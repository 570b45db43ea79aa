/**
 * The author's code that runs in the process of a test.
 *
 * States of a piece of code: working ⇄ asleep (`sleep`, until the virtual clock comes there) → ended, its result held back → handed over. Virtual time passes only while nothing works, and what ended
 * meanwhile is handed over in the order in which it was started: what follows depends on neither the machine's speed nor on which of two promises was first.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
// The globals may be those of a test runner that fakes them.
// eslint-disable-next-line eslint/no-restricted-imports -- the author's code is driven by the real event loop
import { setImmediate } from 'node:timers/promises';
import { systemClock, type Clock } from '../platform/clock.ts';
import { TradewindError } from '../platform/errors.ts';
import { badEnvironment } from './store-dags.ts';

interface Piece {
  /** For people, such as `task "load" of run "…"`. */
  readonly name: string;
  isWorking: boolean;
  handOver: (() => void) | undefined;
}

const PATIENCE_MS = 10_000;

/** The code that runs for one test environment. */
export class AuthorCode {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #pieces = new Set<Piece>();
  readonly #current = new AsyncLocalStorage<Piece>();
  #onQuiet: (() => void) | undefined;

  /**
   * @param clock the virtual one
   * @param patienceMs how long code may work without an end, in real time, before it is taken for one that never ends
   */
  constructor(clock: Clock, patienceMs = PATIENCE_MS) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** Whether the caller is code that was started here. */
  get isInside(): boolean {
    return this.#current.getStore() !== undefined;
  }

  /**
   * Starts a piece of code, which must not reject. What it comes to is handed over when nothing works any more.
   * @returns ends waiting for it: what it comes to is dropped
   */
  start<Result>(name: string, run: () => Promise<Result>, handOver: (result: Result) => void): () => void {
    const piece: Piece = { name, isWorking: true, handOver: undefined };
    this.#pieces.add(piece);
    void this.#current.run(piece, run).then((result) => {
      piece.handOver = () => handOver(result);
      this.#rest(piece);
    });
    return () => {
      this.#pieces.delete(piece);
      this.#rest(piece);
    };
  }

  /**
   * Lets virtual time pass for the code that calls it.
   * @throws what the signal was aborted with; SdkError `bad_test_run` outside of code that was started here
   */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const piece = this.#current.getStore();
    if (piece === undefined) {
      throw badEnvironment('clock.sleep() lets a task take time and is called in a task; in the test, use clock.advance()');
    }
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const wake = (end: () => void) => (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        piece.isWorking = this.#pieces.has(piece);
        end();
      };
      const timer = this.#clock.setTimer(ms, wake(resolve));
      const abort = wake(() => reject(signal?.reason as Error));
      signal?.addEventListener('abort', abort, { once: true });
      this.#rest(piece);
    });
  }

  /**
   * Waits until whatever works has ended or sleeps, and hands over what has ended.
   * @returns whether anything was handed over
   * @throws TradewindError `timeout` naming the code that works on and on
   */
  async settle(): Promise<boolean> {
    // Promise reactions run before the next macrotask.
    await setImmediate();
    while (this.#working().length > 0) {
      await this.#quiet();
      await setImmediate();
    }
    const ended = [...this.#pieces].filter(({ handOver }) => handOver !== undefined);
    for (const piece of ended) {
      this.#pieces.delete(piece);
      piece.handOver?.();
    }
    return ended.length > 0;
  }

  #working(): readonly Piece[] {
    return [...this.#pieces].filter(({ isWorking }) => isWorking);
  }

  #rest(piece: Piece): void {
    piece.isWorking = false;
    if (this.#working().length === 0) this.#onQuiet?.();
  }

  #quiet(): Promise<void> {
    return new Promise((resolve, reject) => {
      const patience = systemClock.setTimer(this.#patienceMs, () => {
        this.#onQuiet = undefined;
        const names = this.#working().map(({ name }) => name);
        reject(
          new TradewindError(
            'timeout',
            `${names.join(', ')} has worked for ${this.#patienceMs / 1_000} s of real time without an end: code in a test environment waits with clock.sleep(), or gets a fake`,
          ),
        );
      });
      this.#onQuiet = () => {
        this.#onQuiet = undefined;
        patience.cancel();
        resolve();
      };
    });
  }
}
