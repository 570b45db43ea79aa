import type { Turn } from './turn.ts';

/** What a queue calls. */
export interface SaveQueueParts<Item> {
  /** Saves some items, each of another file. Must not reject. */
  readonly save: (items: readonly Item[]) => Promise<void>;
  /** Nothing waits and nothing is saved any more. */
  readonly onIdle: () => void;
  /** What else must not happen while items are saved. */
  readonly turn: Turn;
}

/** So many are saved in one go: more would hold up the rest of the environment. */
const MOST_AT_ONCE = 16;
/** With so many waiting, nothing further is read. */
const MOST_WAITING = 64;

/** Saves what was read in the order in which it comes: what comes while something is being saved is saved together after it. */
export class SaveQueue<Item extends { readonly file: string }> {
  readonly #parts: SaveQueueParts<Item>;
  readonly #waiting: Item[] = [];
  #saving: Promise<void> | undefined;

  constructor(parts: SaveQueueParts<Item>) {
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#saving === undefined;
  }

  /** Takes an item; resolves when there is room for the next one, and never rejects. */
  async add(item: Item): Promise<void> {
    this.#waiting.push(item);
    this.#saving ??= this.#run();
    if (this.#waiting.length >= MOST_WAITING) await this.#saving;
  }

  /** Forgets what waits, and resolves when nothing is saved any more. */
  async stop(): Promise<void> {
    this.#waiting.splice(0);
    await this.#saving;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#parts.turn.run(() => this.#saveGroup());
    this.#saving = undefined;
    this.#parts.onIdle();
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
