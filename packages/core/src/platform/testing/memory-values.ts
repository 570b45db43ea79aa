import { createHash } from 'node:crypto';
import { TradewindError } from '../errors.ts';
import type { ValueStore } from '../value-store.ts';

/** A store of large values in memory, whose values a test may damage or take away. */
export interface MemoryValues extends ValueStore {
  /** By key. */
  readonly texts: Map<string, string>;
  /** From now on nothing can be written. */
  breakDown(): void;
}

/** An empty store. */
export function createMemoryValues(): MemoryValues {
  const texts = new Map<string, string>();
  const keysOf = (dagRunId: string): string[] => [...texts.keys()].filter((key) => key.startsWith(`${dagRunId}/`));
  let isBroken = false;
  return {
    name: 'memory',
    texts,
    breakDown() {
      isBroken = true;
    },
    put(dagRunId, json) {
      if (isBroken) return Promise.reject(new Error('no space is left'));
      const sha256 = createHash('sha256').update(json).digest('hex');
      const key = `${dagRunId}/${sha256}`;
      texts.set(key, json);
      return Promise.resolve({ store: 'memory', key, bytes: Buffer.byteLength(json), sha256 });
    },
    get({ key }) {
      const text = texts.get(key);
      return text === undefined ? Promise.reject(new TradewindError('value_unreadable', `${key} is missing`)) : Promise.resolve(text);
    },
    listRuns: () => Promise.resolve([...new Set([...texts.keys()].map((key) => key.split('/')[0] ?? ''))]),
    listValues: (dagRunId) => Promise.resolve(keysOf(dagRunId).map((key) => ({ key, writtenAt: 0 }))),
    removeRun(dagRunId) {
      for (const key of keysOf(dagRunId)) texts.delete(key);
      return Promise.resolve();
    },
    removeValue(key) {
      texts.delete(key);
      return Promise.resolve();
    },
    close: () => {},
  };
}
