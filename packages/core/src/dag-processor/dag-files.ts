import { createHash } from 'node:crypto';
import type { ParseFailure } from '@tradewind/protocol';
import type { BundleScan } from './bundle-scanner.ts';
import type { DagFileSink, ParsedDag, ParsedFile } from './dag-file-sink.ts';
import type { DagClaims } from './bundle-owners.ts';
import type { FileMemory } from './reading-plan.ts';

/** What the reading of a file changed. */
export interface DagFilesChange {
  readonly file: string;
  /** Dags that are new or have a new version. */
  readonly changedDags: readonly string[];
  /** Dags that the file does not define any more. */
  readonly removedDags: readonly string[];
  /** Set where the file has an import error. */
  readonly error?: ParseFailure;
  /** Which content has the error; the file may have another one by now. */
  readonly contentHash?: string | undefined;
}

/** A reading that was successful. */
export interface SuccessfulReading {
  readonly file: string;
  /** The scan whose version was read. */
  readonly scan: BundleScan;
  readonly dags: readonly ParsedDag[];
  /** The files of the bundle that were loaded. */
  readonly files: readonly string[];
  readonly warnings: readonly string[];
  readonly parseMs: number;
}

/** A reading that failed. */
export interface FailedReading {
  readonly file: string;
  readonly scan: BundleScan;
  readonly error: ParseFailure;
  readonly retryAt: number;
  readonly isSlow: boolean;
}

/** What the saving of a reading changed, and the files that have to be read because of it. */
export interface SavedReading {
  readonly reading: SuccessfulReading;
  readonly change: DagFilesChange;
  readonly toRead: readonly string[];
}

/** A reading whose dags are shared out among the files that define them. */
type ClaimedReading =
  | { readonly isEmptied: true; readonly reading: SuccessfulReading }
  | {
      readonly isEmptied: false;
      readonly reading: SuccessfulReading;
      readonly parsed: ParsedFile;
      /** By dag id: the hash of what the sink had of the file before. */
      readonly before: ReadonlyMap<string, string>;
      readonly taken: ReadonlyMap<string, string>;
      readonly toRead: readonly string[];
    };

const EMPTY_CONTENT_HASH = createHash('sha256').digest('hex');

/** What is known of the dag files, kept in step with the sink: first the sink learns of a change, then the memory does. */
export class DagFiles {
  readonly #sink: DagFileSink;
  readonly #memory = new Map<string, FileMemory>();
  /** By file, then by dag id: the hash of the serialized dag that the sink has for it. */
  readonly #saved = new Map<string, ReadonlyMap<string, string>>();
  readonly #claims: DagClaims;
  #movedTo: string | undefined;

  constructor(sink: DagFileSink, claims: DagClaims) {
    this.#sink = sink;
    this.#claims = claims;
  }

  get memory(): ReadonlyMap<string, FileMemory> {
    return this.#memory;
  }

  /** Takes over what an earlier life of the environment knew. */
  async load(): Promise<void> {
    for (const { file, contentHash, dependencies, dags, hasImportError } of await this.#sink.loadKnownFiles()) {
      const failure = { bundleVersion: '', retryAt: 0, isSlow: false };
      this.#memory.set(file, { contentHash, dependencies, ...(hasImportError ? { failure } : {}) });
      this.#saved.set(file, new Map(dags.map(({ dagId, serializedHash }) => [dagId, serializedHash])));
      const dagIds = dags.map(({ dagId }) => dagId);
      this.#claims.claim(file, dagIds);
    }
  }

  /** Whether the dags of the file are other ones than the sink has; false for a file that was not known. */
  isAnotherVersion(file: string, dags: readonly ParsedDag[]): boolean {
    const saved = this.#saved.get(file);
    return (
      saved !== undefined && (saved.size !== dags.length || dags.some(({ dag, serializedHash }) => saved.get(dag.dagId) !== serializedHash))
    );
  }

  /** The unchanged files are part of the scan's version, too. */
  async move(files: readonly string[], { version }: BundleScan): Promise<void> {
    if (this.#movedTo === version.bundleVersion) return;
    if (files.length > 0) await this.#sink.moveFiles(files, version);
    this.#movedTo = version.bundleVersion;
  }

  /** @returns what changed, and the files that have to be read because dags that the removed files defined are theirs now */
  async remove(files: readonly string[]): Promise<{ changes: DagFilesChange[]; toRead: readonly string[] }> {
    if (files.length === 0) return { changes: [], toRead: [] };
    await this.#sink.removeFiles(files);
    const changes: DagFilesChange[] = [];
    const toRead = new Set<string>();
    for (const file of files) {
      changes.push({ file, changedDags: [], removedDags: [...(this.#saved.get(file)?.keys() ?? [])] });
      this.#memory.delete(file);
      this.#saved.delete(file);
      for (const heir of this.#claims.claim(file, []).toRead) toRead.add(heir);
    }
    return { changes, toRead: [...toRead].filter((file) => !files.includes(file)) };
  }

  /**
   * Saves the dags of several files together, but for those that belong to another file; these become its import error.
   * @param readings of different files
   * @param onSaved hears of each; where this rejects, those that it did not hear of are to be saved again
   */
  async succeed(readings: readonly SuccessfulReading[], onSaved: (saved: SavedReading) => void): Promise<void> {
    const claimed = readings.map((reading) => this.#claim(reading));
    const parsed = claimed.flatMap((one) => (one.isEmptied ? [] : [one.parsed]));
    if (parsed.length > 0) await this.#sink.saveParsedFiles(parsed);
    for (const one of claimed) onSaved(one.isEmptied ? await this.#keep(one.reading) : await this.#note(one));
  }

  #claim(reading: SuccessfulReading): ClaimedReading {
    const { file, scan, dags, files } = reading;
    const contentHash = scan.files.get(file) ?? '';
    const before = this.#saved.get(file) ?? new Map<string, string>();
    if (contentHash === EMPTY_CONTENT_HASH && before.size > 0) return { isEmptied: true, reading };
    const { taken, toRead } = this.#claims.claim(
      file,
      dags.map(({ dag }) => dag.dagId),
    );
    const own = dags.filter(({ dag }) => !taken.has(dag.dagId));
    const dependencies = Object.fromEntries(files.map((dependency) => [dependency, scan.files.get(dependency) ?? '']));
    return { isEmptied: false, reading, before, taken, toRead, parsed: asParsedFile(reading, { contentHash, dependencies, dags: own }) };
  }

  /** An editor that is interrupted leaves an empty file: that is no reason to take its dags away. */
  async #keep(reading: SuccessfulReading): Promise<SavedReading> {
    const { file, scan } = reading;
    const error = { file, message: 'the file is empty; its dags stay as they were, delete the file to remove them' };
    return { reading, change: await this.fail({ file, scan, error, retryAt: Number.POSITIVE_INFINITY, isSlow: false }), toRead: [] };
  }

  async #note({ reading, before, taken, toRead, parsed }: ClaimedReading & { readonly isEmptied: false }): Promise<SavedReading> {
    const { file, scan } = reading;
    const { contentHash, dependencies, dags: own } = parsed;
    this.#memory.set(file, { contentHash, dependencies });
    this.#saved.set(file, new Map(own.map(({ dag, serializedHash }) => [dag.dagId, serializedHash])));
    const changedDags = own.filter(({ dag, serializedHash }) => before.get(dag.dagId) !== serializedHash).map(({ dag }) => dag.dagId);
    const defined = new Set(reading.dags.map(({ dag }) => dag.dagId));
    const removedDags = [...before.keys()].filter((dagId) => !defined.has(dagId));
    const change = { file, changedDags, removedDags };
    const [first] = taken;
    if (first === undefined) return { reading, change, toRead };
    const [dagId, owner] = first;
    const error = { file, message: `dag "${dagId}" is also defined in ${owner}; give one of them another id` };
    const failed = await this.fail({ file, scan, error, retryAt: Number.POSITIVE_INFINITY, isSlow: false }, dependencies);
    return { reading, change: { ...failed, ...change }, toRead };
  }

  /** Records an import error; the dags that the file has stay. */
  async fail(
    { file, scan, error, retryAt, isSlow }: FailedReading,
    dependencies: Readonly<Record<string, string>> = {},
  ): Promise<DagFilesChange> {
    const contentHash = scan.files.get(file);
    await this.#sink.saveImportError({ file, contentHash, version: scan.version, error });
    this.#memory.set(file, { contentHash, dependencies, failure: { bundleVersion: scan.version.bundleVersion, retryAt, isSlow } });
    return { file, changedDags: [], removedDags: [], error, contentHash };
  }
}

function asParsedFile(
  { file, scan, warnings, parseMs }: SuccessfulReading,
  rest: Pick<ParsedFile, 'contentHash' | 'dependencies' | 'dags'>,
): ParsedFile {
  return { file, version: scan.version, warnings, parseMs, ...rest };
}
