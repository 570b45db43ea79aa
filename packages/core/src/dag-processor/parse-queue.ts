import type { Clock } from '../platform/clock.ts';

/** Why a file is read: it changed, it failed earlier, or its dags are to be compared with what they were a moment ago. In this order. */
export type ReadingReason = 'changed' | 'retried' | 'compared';

const REASONS: readonly ReadingReason[] = ['changed', 'retried', 'compared'];
/** Readings at the same time; each is a process that takes a core. */
const CONCURRENCY = 2;
/** A reading that takes longer than this lets another one begin beside it, so that two files that hang do not hold up all others. */
const SLOW_MS = 2_000;
const MAX_CONCURRENCY = 4;
/** More files than this that wait are many, until none waits. */
const MANY = 8;

/** What a queue calls. */
export interface ParseQueueParts {
  /** Reads one file. Must not reject. `isOneOfMany` says that it is one of many that have changed. */
  readonly read: (file: string, reason: ReadingReason, isOneOfMany: boolean) => Promise<void>;
  /** Nothing waits and nothing is read any more. */
  readonly onIdle: () => void;
}

/** Decides which file is read next, each by one process at a time. */
export class ParseQueue {
  readonly #clock: Clock;
  readonly #parts: ParseQueueParts;
  readonly #waiting = new Map<string, ReadingReason>();
  readonly #running = new Map<string, Promise<void>>();
  #slow = 0;
  #areMany = false;
  #isStopped = false;

  constructor(clock: Clock, parts: ParseQueueParts) {
    this.#clock = clock;
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0;
  }

  /** As `addAll` does with one file. */
  add(file: string, reason: ReadingReason): void {
    this.addAll([file], reason);
  }

  /** A file that waits already keeps its better reason; one that is being read is read once more after that. */
  addAll(files: readonly string[], reason: ReadingReason): void {
    for (const file of files) {
      const before = this.#waiting.get(file);
      if (before === undefined || REASONS.indexOf(reason) < REASONS.indexOf(before)) this.#waiting.set(file, reason);
    }
    if (this.#waiting.size > MANY) this.#areMany = true;
    this.#begin();
  }

  /** The file is gone: it is not read. */
  drop(file: string): void {
    this.#waiting.delete(file);
  }

  /** Begins no further reading, and resolves when those that run have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #begin(): void {
    while (!this.#isStopped && this.#running.size - this.#slow < CONCURRENCY && this.#running.size < MAX_CONCURRENCY) {
      const next = this.#takeNext();
      if (next === undefined) return;
      this.#running.set(next.file, this.#run(next.file, next.reason));
    }
  }

  #takeNext(): { file: string; reason: ReadingReason } | undefined {
    for (const reason of REASONS) {
      for (const [file, waitsFor] of this.#waiting) {
        if (waitsFor !== reason || this.#running.has(file)) continue;
        this.#waiting.delete(file);
        return { file, reason };
      }
    }
    return undefined;
  }

  async #run(file: string, reason: ReadingReason): Promise<void> {
    let isSlow = false;
    const timer = this.#clock.setTimer(SLOW_MS, () => {
      isSlow = true;
      this.#slow += 1;
      this.#begin();
    });
    await this.#parts.read(file, reason, this.#areMany && reason === 'changed');
    timer.cancel();
    if (isSlow) this.#slow -= 1;
    this.#running.delete(file);
    if (this.#waiting.size === 0) this.#areMany = false;
    this.#begin();
    if (this.isIdle) this.#parts.onIdle();
  }
}
