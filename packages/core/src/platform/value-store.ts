import { TradewindError, messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** Where a value lies that was too large for its row, and what it must be. */
export interface ValueReference {
  /** Name of the kind of store: `file`. */
  readonly store: string;
  /** What the store finds it by. Begins with the id of the run that it belongs to. */
  readonly key: string;
  /** Length of the JSON text in UTF-8. */
  readonly bytes: number;
  /** Of the JSON text in UTF-8, in hexadecimal digits. */
  readonly sha256: string;
}

/** A value in a store, referred to or not. */
export interface StoredValue {
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** Keeps large values outside of the database, run by run. What lies there is found through references alone; whatever none names is swept away. */
export interface ValueStore {
  /** Goes into every reference. */
  readonly name: string;
  /**
   * Keeps JSON text of a run, durably. Idempotent: the same text has the same reference, and a damaged copy of it is replaced.
   * @throws whatever keeps it from being kept
   */
  put(dagRunId: string, json: string): Promise<ValueReference>;
  /**
   * The JSON text that a reference names, held against its length and its hash.
   * @throws TradewindError `value_unreadable` where it is missing or damaged
   */
  get(reference: ValueReference): Promise<string>;
  /** Ids of the runs of which it keeps anything. */
  listRuns(): Promise<readonly string[]>;
  /** What it keeps of a run, unfinished writes included. */
  listValues(dagRunId: string): Promise<readonly StoredValue[]>;
  /** Removes everything of a run. Idempotent. */
  removeRun(dagRunId: string): Promise<void>;
  /** Removes one value. Idempotent. */
  removeValue(key: string): Promise<void>;
}

/** A value as its row has it. */
export interface ValueInRow {
  /** JSON text; `null` where it lies elsewhere. */
  readonly value: string;
  /** Where it lies: JSON text of a `ValueReference`. Null for a value that is in its row. */
  readonly offloaded: string | null;
}

const PLACEHOLDER = 'null';

/** Decides which values are kept outside of the database, and reads them again. */
export class LargeValues {
  readonly #store: ValueStore;
  readonly #offloadBytes: number;
  readonly #log: Log;

  /** @param options.offloadBytes values that are longer go to the store; 0 for all, -1 for none */
  constructor({ store, offloadBytes, log }: { readonly store: ValueStore; readonly offloadBytes: number; readonly log: Log }) {
    this.#store = store;
    this.#offloadBytes = offloadBytes;
    this.#log = log;
  }

  /** The store itself, for whoever removes runs. */
  get store(): ValueStore {
    return this.#store;
  }

  /**
   * What a value's row is to hold. Comes before the transaction that writes the row. A value that the store does not take stays in its row: a full disk or a store that is away
   * must not cost a success.
   */
  async keep(dagRunId: string, json: string): Promise<ValueInRow> {
    const inRow = { value: json, offloaded: null };
    if (!this.#isLarge(json)) return inRow;
    try {
      return { value: PLACEHOLDER, offloaded: JSON.stringify(await this.#store.put(dagRunId, json)) };
    } catch (error) {
      this.#log.warning('a large value could not be kept outside of the database and stays in its row', {
        dagRunId,
        bytes: Buffer.byteLength(json),
        reason: messageOf(error),
      });
      return inRow;
    }
  }

  /**
   * The JSON text of a value.
   * @throws TradewindError `value_unreadable` where it lies elsewhere and is missing or damaged there, or in a store that this environment does not have
   */
  async read(row: ValueInRow): Promise<string> {
    const reference = referenceOf(row);
    return reference === undefined ? row.value : this.fetch(reference);
  }

  /** The JSON text of a value that lies elsewhere. Throws as `read` does. */
  async fetch(reference: ValueReference): Promise<string> {
    if (reference.store === this.#store.name) return this.#store.get(reference);
    throw new TradewindError(
      'value_unreadable',
      `the value lies in a store of the kind "${reference.store}" as ${reference.key}, and this environment keeps large values in one of the kind "${this.#store.name}"`,
    );
  }

  #isLarge(json: string): boolean {
    return this.#offloadBytes >= 0 && (json.length > this.#offloadBytes || Buffer.byteLength(json) > this.#offloadBytes);
  }
}

/**
 * Where a value lies; undefined for one that is in its row. An earlier release writes values without knowing of references: what it wrote over one is no placeholder, and counts.
 */
export function referenceOf({ value, offloaded }: ValueInRow): ValueReference | undefined {
  return offloaded === null || value !== PLACEHOLDER ? undefined : (JSON.parse(offloaded) as ValueReference);
}
