import { decodeJson, type JsonValue } from '@tradewind/protocol';
import type { Masker } from './masker.ts';
import { SEALED_PREFIX } from './sealed-prefix.ts';

/** What values are sealed by (platform/secret-box.ts). */
export interface Sealing {
  seal(text: string, place: string): string;
  open(sealed: string, place: string): string;
}

/** What tasks' values are bound to: any task that is handed the value may read it. */
const PLACE = 'xcom|value';

/**
 * Keeps secrets that tasks pass on to each other out of the database, and out of everything that shows values: each text or number that holds a secret which
 * the environment knows is sealed by itself, so that lists stay lists. Opened for the process of the task that is handed the value, and nowhere else.
 */
export class ValueSealer {
  readonly #masker: Masker;
  readonly #sealing: Sealing;
  /** Has the values opened with the keys as they are now, which another process may have changed. */
  readonly refreshKeys: () => Promise<void>;

  /** @param refreshKeys default: the keys never change */
  constructor(masker: Masker, sealing: Sealing, refreshKeys: () => Promise<void> = async () => {}) {
    this.#masker = masker;
    this.#sealing = sealing;
    this.refreshKeys = refreshKeys;
  }

  /** JSON text without secrets in it. */
  sealJson(json: string): string {
    if (!this.#masker.hasSecrets && !json.includes(SEALED_PREFIX)) return json;
    const value = decodeJson(json);
    const sealed = this.#walk(value, (leaf) => this.#sealLeaf(leaf));
    return sealed === value ? json : JSON.stringify(sealed);
  }

  /** The JSON text as the task wrote it. Throws as `Sealing.open` does. */
  openJson(json: string): string {
    return json.includes(SEALED_PREFIX) ? JSON.stringify(this.openValue(decodeJson(json))) : json;
  }

  /** The value as the task wrote it. Throws as `Sealing.open` does. */
  openValue(value: JsonValue): JsonValue {
    return this.#walk(value, (leaf) =>
      typeof leaf === 'string' && leaf.startsWith(SEALED_PREFIX)
        ? decodeJson(this.#sealing.open(leaf.slice(SEALED_PREFIX.length), PLACE))
        : leaf,
    );
  }

  #sealLeaf(leaf: JsonValue): JsonValue {
    if (typeof leaf !== 'string' && typeof leaf !== 'number') return leaf;
    const text = String(leaf);
    // A text that looks sealed and was not sealed here would not open: it is sealed as any secret is.
    if (this.#masker.mask(text) === text && !text.startsWith(SEALED_PREFIX)) return leaf;
    return `${SEALED_PREFIX}${this.#sealing.seal(JSON.stringify(leaf), PLACE)}`;
  }

  /** The same value where no leaf changes. */
  #walk(value: JsonValue, change: (leaf: JsonValue) => JsonValue): JsonValue {
    if (typeof value !== 'object' || value === null) return change(value);
    if (Array.isArray(value)) {
      const list = value as readonly JsonValue[];
      const items = list.map((item) => this.#walk(item, change));
      return items.every((item, index) => item === list[index]) ? list : items;
    }
    const record = value as { readonly [key: string]: JsonValue };
    const entries = Object.entries(record).map(([key, item]) => [key, this.#walk(item, change)] as const);
    return entries.every(([key, item]) => item === record[key]) ? value : Object.fromEntries(entries);
  }
}
