import type { Clock, Timer } from '../platform/clock.ts';
import type { Turn } from './turn.ts';

/** What a queue calls. */
export interface SaveQueueParts<Item> {
  /** Saves some items, each of another file. Must not reject. */
  readonly save: (items: readonly Item[]) => Promise<void>;
  /** Nothing waits and nothing is saved any more. */
  readonly onIdle: () => void;
  /** What else must not happen while items are saved. */
  readonly turn: Turn;
  readonly clock: Clock;
}

/** So many are saved in one go: more would hold up the rest of the environment. */
const MOST_AT_ONCE = 16;
/** With so many waiting, nothing further is read. */
const MOST_WAITING = 64;
/** What is one of many waits this long for others: the disk takes as long to remember one as to remember several. */
const GATHER_MS = 40;

/** Saves what was read in the order in which it comes, as much together as has come while something else was saved, or while one of many waited for others. */
export class SaveQueue<Item extends { readonly file: string }> {
  readonly #parts: SaveQueueParts<Item>;
  readonly #waiting: Item[] = [];
  #saving: Promise<void> | undefined;
  #gathering: { readonly timer: Timer; readonly end: () => void } | undefined;
  #areMany = false;

  constructor(parts: SaveQueueParts<Item>) {
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#saving === undefined;
  }

  /**
   * Takes an item; resolves when there is room for the next one, and never rejects.
   * @param isOneOfMany others follow within moments, so that this one need not be saved before them
   */
  async add(item: Item, isOneOfMany: boolean): Promise<void> {
    this.#waiting.push(item);
    this.#areMany = isOneOfMany;
    if (!this.#shouldGather()) this.#endGathering();
    this.#saving ??= this.#run();
    if (this.#waiting.length >= MOST_WAITING) await this.#saving;
  }

  /** Forgets what waits, and resolves when nothing is saved any more. */
  async stop(): Promise<void> {
    this.#waiting.splice(0);
    this.#endGathering();
    await this.#saving;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#shouldGather()) await this.#gather();
      await this.#parts.turn.run(() => this.#saveGroup());
    }
    this.#saving = undefined;
    this.#parts.onIdle();
  }

  #shouldGather(): boolean {
    return this.#areMany && this.#waiting.length < MOST_AT_ONCE;
  }

  #gather(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.setTimer(GATHER_MS, () => this.#endGathering());
      this.#gathering = { timer, end: resolve };
    });
  }

  #endGathering(): void {
    this.#gathering?.timer.cancel();
    this.#gathering?.end();
    this.#gathering = undefined;
  }

  async #saveGroup(): Promise<void> {
    // It may have been stopped while it waited for its turn.
    const items = this.#takeGroup();
    if (items.length > 0) await this.#parts.save(items);
  }

  #takeGroup(): readonly Item[] {
    const files = new Set<string>();
    for (const { file } of this.#waiting) {
      if (files.has(file) || files.size === MOST_AT_ONCE) break;
      files.add(file);
    }
    return this.#waiting.splice(0, files.size);
  }
}
