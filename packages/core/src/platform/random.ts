import { randomBytes } from 'node:crypto';

/** The only source of chance in `core` (adr/0007): seeded in the simulation. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number;
  /** An id that no other call ever returns: a UUID of version 7, so that ids sort by the time they were made. */
  uuid(): string;
}

const TAIL_BYTES = 8;
const TAILS_AT_ONCE = 256;

/**
 * Chance from the operating system; ids from that and `now`.
 * @param now milliseconds since the epoch, for the first 48 bits of an id
 */
export function systemRandom(now: () => number): Random {
  let lastMs = 0;
  let sequence = 0;
  let tails = Buffer.alloc(0);
  return {
    fraction: () => Math.random(),
    uuid() {
      const ms = Math.max(now(), lastMs);
      sequence = ms === lastMs ? sequence + 1 : randomBytes(2).readUInt16BE() & 0x7ff;
      // Twelve bits count within a millisecond, so ids of one process sort in the order they were made (RFC 9562 §6.2).
      lastMs = sequence > 0xfff ? ms + 1 : ms;
      sequence &= 0xfff;
      // Asking the system for many bytes costs no more than asking for eight.
      if (tails.length === 0) tails = randomBytes(TAIL_BYTES * TAILS_AT_ONCE);
      const tail = tails.subarray(0, TAIL_BYTES);
      tails = tails.subarray(TAIL_BYTES);
      return formatUuid(lastMs, sequence, tail);
    },
  };
}

/** Lays out a version 7 UUID (RFC 9562 §5.7). */
export function formatUuid(ms: number, sequence: number, tail: Uint8Array): string {
  const time = ms.toString(16).padStart(12, '0');
  const low = Buffer.from(tail);
  low.writeUInt8((low.readUInt8(0) & 0x3f) | 0x80, 0);
  const hex = low.toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}-${hex.slice(0, 4)}-${hex.slice(4)}`;
}
