/** Chance that a test or the simulation draws from. */
export interface Chance {
  /** A whole number in [least, most]. */
  between(least: number, most: number): number;
  /** Whether something happens that happens with this probability. */
  happens(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
}

/** Chance that is a function of its seeds: what is drawn for one thing does not depend on what was drawn for others before. */
export function createChance(...seeds: readonly (string | number)[]): Chance {
  let state = hashOf(seeds.join('\n'));
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return {
    between: (least, most) => least + Math.floor(fraction() * (most - least + 1)),
    happens: (probability) => fraction() < probability,
    pick: (items) => items[Math.floor(fraction() * items.length)] ?? items[0],
  };
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
