import { formatUuid, type Random } from '../random.ts';

/** Chance that is the same for the same seed (mulberry32). Ids count up. */
export function createSeededRandom(seed: number): Random {
  let state = seed | 0;
  let ids = 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    fraction: () => word() / 0x1_0000_0000,
    uuid() {
      ids += 1;
      const tail = Buffer.alloc(8);
      tail.writeUInt32BE(word(), 0);
      tail.writeUInt32BE(word(), 4);
      return formatUuid(ids, 0, tail);
    },
  };
}
