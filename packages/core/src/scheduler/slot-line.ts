import type { ReadyList } from './run-state.ts';

/** The lists that want slots, by priority and in turn. */
export class SlotLine {
  readonly #levels = new Map<number, ReadyList[]>();
  #priorities: number[] = [];

  /** Puts a list at the end of its priority. */
  add(list: ReadyList): void {
    list.isInLine = true;
    const level = this.#levels.get(list.priority);
    if (level !== undefined) {
      level.push(list);
      return;
    }
    this.#levels.set(list.priority, [list]);
    this.#priorities = [...this.#levels.keys()].toSorted((one, other) => other - one);
  }

  /** Takes the first list of the highest priority that `isWanted`. */
  take(isWanted: (list: ReadyList) => boolean): ReadyList | undefined {
    for (const priority of this.#priorities) {
      const level = this.#levels.get(priority) ?? [];
      const place = level.findIndex((list) => isWanted(list));
      const [list] = place === -1 ? [] : level.splice(place, 1);
      if (level.length === 0) this.#forget(priority);
      if (list !== undefined) {
        list.isInLine = false;
        return list;
      }
    }
    return undefined;
  }

  #forget(priority: number): void {
    this.#levels.delete(priority);
    this.#priorities = this.#priorities.filter((other) => other !== priority);
  }
}
