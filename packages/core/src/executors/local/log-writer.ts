/**
 * Appends to log files without the event loop of the environment: a thread does it, so that neither a slow disk nor the cost of making
 * files delays a dispatch or a report. What was appended is on disk, in order, when `flushed` resolves.
 */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../platform/errors.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';

/** Text for one file. */
export interface LogPart {
  readonly file: string;
  readonly text: string;
}

/** What the thread answers after each batch. */
export interface WrittenBatch {
  readonly batch: number;
  readonly problems: readonly { readonly file: string; readonly problem: string }[];
}

/** What is appended is collected for this long, so that a chatty task costs one writing and not a thousand. */
const COLLECT_MS = 20;
/** But no more of it than this. */
const MAX_COLLECTED_CHARACTERS = 131_072;
/** When this many characters wait for the disk, whoever makes more of them should stop reading. */
const MAX_WAITING_CHARACTERS = 1_048_576;

/** What waits to be written, as those see it who make more of it. */
export interface Backlog {
  /** So much waits that readers of output should pause until `whenDrained`. */
  readonly isBehind: boolean;
  /** Calls back once what waits has become less. */
  whenDrained(resume: () => void): void;
}

/** The log files of one executor. */
export class LogWriter implements Backlog {
  readonly #log: Log;
  /** Undefined until something is written: an idle environment does not need its memory. */
  #thread: Worker | undefined;
  readonly #waitingBatches = new Map<number, number>();
  readonly #drained: (() => void)[] = [];
  readonly #flushed: (() => void)[] = [];
  readonly #clock: Clock;
  #pending = new Map<string, string>();
  #pendingCharacters = 0;
  #timer: Timer | undefined;
  #waitingCharacters = 0;
  #lastBatch = 0;
  #isDead = false;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  #startThread(): Worker {
    const thread = new Worker(new URL('log-writer-thread.ts', import.meta.url));
    thread.unref();
    thread.on('message', (written: WrittenBatch) => this.#onWritten(written));
    thread.on('error', (error) => {
      this.#isDead = true;
      this.#log.error('the thread that writes task logs has died; what tasks print is lost until the environment is started again', {
        problem: messageOf(error),
      });
      for (const batch of this.#waitingBatches.keys()) this.#onWritten({ batch, problems: [] });
    });
    return thread;
  }

  get isBehind(): boolean {
    return this.#waitingCharacters > MAX_WAITING_CHARACTERS;
  }

  /**
   * Appends to a file, which is made with its folders where it is not there yet. It happens within milliseconds, or at once after `post`.
   * Problems go to the environment's log.
   */
  append({ file, text }: LogPart): void {
    if (this.#isDead) return;
    this.#pending.set(file, (this.#pending.get(file) ?? '') + text);
    this.#pendingCharacters += text.length;
    this.#waitingCharacters += text.length;
    if (this.#pendingCharacters >= MAX_COLLECTED_CHARACTERS) this.post();
    else this.#timer ??= this.#clock.setTimer(COLLECT_MS, () => this.post());
  }

  /** Has the thread write what was collected. */
  post(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#pending.size === 0) return;
    this.#lastBatch += 1;
    const parts: readonly LogPart[] = [...this.#pending].map(([file, text]) => ({ file, text }));
    this.#thread ??= this.#startThread();
    this.#thread.postMessage({ batch: this.#lastBatch, parts });
    this.#waitingBatches.set(this.#lastBatch, this.#pendingCharacters);
    this.#pending = new Map();
    this.#pendingCharacters = 0;
  }

  whenDrained(resume: () => void): void {
    this.#drained.push(resume);
  }

  /** Resolves when everything that was appended so far is on disk. */
  flushed(): Promise<void> {
    this.post();
    if (this.#waitingCharacters === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushed.push(resolve);
    });
  }

  /** Writes what is left and ends the thread. */
  async close(): Promise<void> {
    await this.flushed();
    await this.#thread?.terminate();
  }

  #onWritten({ batch, problems }: WrittenBatch): void {
    for (const { file, problem } of problems) this.#log.error('a task log could not be written', { file, problem });
    this.#waitingCharacters -= this.#waitingBatches.get(batch) ?? 0;
    this.#waitingBatches.delete(batch);
    if (!this.isBehind) for (const resume of this.#drained.splice(0)) resume();
    if (this.#waitingCharacters === 0) for (const resolve of this.#flushed.splice(0)) resolve();
  }
}
