import { formatUuid, type Random } from '../packages/core/src/platform/random.ts';

/** Chance that is the same for the same seed. */
export interface SeededRandom extends Random {
  /** A whole number in [least, most]. */
  between(least: number, most: number): number;
  /** Whether something happens that happens with this probability. */
  happens(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** Another stream, independent of what this one is used for. */
  fork(): SeededRandom;
}

/** xoshiro128** (Blackman and Vigna), seeded through splitmix32. Fast, and good enough to choose schedules with. */
export function createSeededRandom(seed: number, now: () => number = () => 0): SeededRandom {
  let mix = seed | 0;
  const nextSeed = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let [a, b, c, d] = [nextSeed(), nextSeed(), nextSeed(), nextSeed()];
  let sequence = 0;

  const word = (): number => {
    const rotated = Math.imul(b, 5);
    const result = Math.imul((rotated << 7) | (rotated >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const fraction = (): number => word() / 0x1_0000_0000;
  return {
    fraction,
    between: (least, most) => least + Math.floor(fraction() * (most - least + 1)),
    happens: (probability) => fraction() < probability,
    pick: (items) => items[Math.floor(fraction() * items.length)] ?? items[0],
    fork: () => createSeededRandom(word(), now),
    uuid() {
      sequence = (sequence + 1) & 0xfff;
      const tail = Buffer.alloc(8);
      tail.writeUInt32BE(word(), 0);
      tail.writeUInt32BE(word(), 4);
      return formatUuid(now(), sequence, tail);
    },
  };
}
