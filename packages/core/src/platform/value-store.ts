import { TradewindError, messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** Where a value lies that was too large for its row, and what it must be. */
export interface ValueReference {
  /** Name of the kind of store: `file`, `s3`. */
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
  /** Lets go of connections, where it has any. Idempotent. */
  close(): void;
}

/** Runs of which something is kept, wherever it is. */
export type StoredRuns = Pick<ValueStore, 'listRuns' | 'removeRun'>;

/** A value as its row has it. */
export interface ValueInRow {
  /** JSON text; `null` where it lies elsewhere. */
  readonly value: string;
  /** Where it lies: JSON text of a `ValueReference`. Null for a value that is in its row. */
  readonly offloaded: string | null;
}

const PLACEHOLDER = 'null';

/** What decides where values go. */
export interface LargeValuesOptions {
  readonly store: ValueStore;
  readonly earlierStores?: readonly ValueStore[];
  readonly offloadBytes: number;
  readonly log: Log;
}

/** Decides which values are kept outside of the database, and reads them again. */
export class LargeValues {
  readonly #store: ValueStore;
  readonly #earlierStores: readonly ValueStore[];
  readonly #offloadBytes: number;
  readonly #log: Log;

  /**
   * @param options.store takes what is written from now on
   * @param options.earlierStores have values from before the environment was given this store; they are read and swept. @default none
   * @param options.offloadBytes values that are longer go to the store; 0 for all, -1 for none
   */
  constructor({ store, earlierStores = [], offloadBytes, log }: LargeValuesOptions) {
    this.#store = store;
    this.#earlierStores = earlierStores;
    this.#offloadBytes = offloadBytes;
    this.#log = log;
  }

  /** What is kept of runs in all stores together, for whoever removes runs. */
  get store(): StoredRuns {
    const { stores } = this;
    return {
      async listRuns() {
        const runs = await Promise.all(stores.map((store) => store.listRuns()));
        return [...new Set(runs.flat())];
      },
      async removeRun(dagRunId) {
        for (const store of stores) await store.removeRun(dagRunId);
      },
    };
  }

  /** Every store that may have values of this environment. */
  get stores(): readonly ValueStore[] {
    return [this.#store, ...this.#earlierStores];
  }

  /** Lets go of connections. Idempotent. */
  close(): void {
    for (const store of this.stores) store.close();
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
    const holder = this.stores.find(({ name }) => name === reference.store);
    if (holder !== undefined) return holder.get(reference);
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
