/** Something that is due at a time. */
export interface Due<Item> {
  readonly at: number;
  readonly item: Item;
}

/**
 * A binary heap of what is due when: adding and taking cost O(log n), so a hundred thousand waiting retries cost nothing while they wait. Items are never
 * removed before their time; the taker checks whether an item still means something.
 */
export class TimerHeap<Item> {
  readonly #entries: Due<Item>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** When the earliest item is due; undefined where there is none. */
  get nextAt(): number | undefined {
    return this.#entries[0]?.at;
  }

  add(at: number, item: Item): void {
    const entries = this.#entries;
    entries.push({ at, item });
    let place = entries.length - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(place, parent)) break;
      this.#swap(place, parent);
      place = parent;
    }
  }

  /** Takes the items that are due at `now`, earliest first, at most `most`. */
  takeDue(now: number, most: number): Item[] {
    const taken: Item[] = [];
    while (taken.length < most) {
      const first = this.#entries[0];
      if (first === undefined || first.at > now) break;
      taken.push(first.item);
      this.#removeFirst();
    }
    return taken;
  }

  #removeFirst(): void {
    const entries = this.#entries;
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return;
    entries[0] = last;
    let place = 0;
    for (;;) {
      let smallest = place;
      if (this.#isBefore(2 * place + 1, smallest)) smallest = 2 * place + 1;
      if (this.#isBefore(2 * place + 2, smallest)) smallest = 2 * place + 2;
      if (smallest === place) return;
      this.#swap(place, smallest);
      place = smallest;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const a = this.#entries[left];
    const b = this.#entries[right];
    return a !== undefined && b !== undefined && a.at < b.at;
  }

  #swap(left: number, right: number): void {
    const entries = this.#entries;
    const a = entries[left];
    const b = entries[right];
    if (a === undefined || b === undefined) return;
    entries[left] = b;
    entries[right] = a;
  }
}
