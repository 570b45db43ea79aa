import type { BundleVersion } from '../bundle-scanner.ts';
import type { DagFileSink, FailedFile, KnownFile, ParsedFile } from '../dag-file-sink.ts';

/** A file as a sink without a database keeps it. */
interface SavedFile {
  parsed?: ParsedFile;
  error?: FailedFile;
  bundleVersion: string;
}

/** A sink that keeps everything in memory, and can be told to fail. */
export class MemorySink implements DagFileSink {
  readonly files = new Map<string, SavedFile>();
  /** Every call, in order, as `saveParsedFile a.ts`. */
  readonly calls: string[] = [];
  /** So many of the next calls reject. */
  failures = 0;
  readonly #listeners: (() => void)[] = [];

  /** The ids of all dags, each with its file. */
  get dags(): string[] {
    return [...this.files].flatMap(([file, { parsed }]) => (parsed?.dags ?? []).map(({ dag }) => `${dag.dagId} in ${file}`)).toSorted();
  }

  /** The messages of all import errors, each with its file. */
  get errors(): string[] {
    return [...this.files].flatMap(([file, { error }]) => (error === undefined ? [] : [`${file}: ${error.error.message}`])).toSorted();
  }

  /** Resolves when the condition holds after a call. */
  async until(condition: (sink: MemorySink) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => {
        this.#listeners.push(resolve);
      });
    }
  }

  async loadKnownFiles(): Promise<readonly KnownFile[]> {
    await this.#call('loadKnownFiles', []);
    return [...this.files].map(([file, { parsed, error }]) => ({
      file,
      contentHash: parsed?.contentHash ?? error?.contentHash ?? '',
      dependencies: parsed?.dependencies ?? {},
      dags: (parsed?.dags ?? []).map(({ dag, serializedHash }) => ({ dagId: dag.dagId, serializedHash })),
      hasImportError: error !== undefined,
    }));
  }

  saveParsedFile(parsed: ParsedFile): Promise<void> {
    return this.saveParsedFiles([parsed]);
  }

  async saveParsedFiles(files: readonly ParsedFile[]): Promise<void> {
    await this.#call(
      'saveParsedFile',
      files.map(({ file }) => file),
    );
    for (const parsed of files) this.files.set(parsed.file, { parsed, bundleVersion: parsed.version.bundleVersion });
    this.#announce();
  }

  async saveImportError(error: FailedFile): Promise<void> {
    await this.#call('saveImportError', [error.file]);
    this.files.set(error.file, { bundleVersion: '', ...this.files.get(error.file), error });
    this.#announce();
  }

  async moveFiles(files: readonly string[], { bundleVersion }: BundleVersion): Promise<void> {
    await this.#call('moveFiles', files);
    for (const file of files) Object.assign(this.files.get(file) ?? {}, { bundleVersion });
    this.#announce();
  }

  async removeFiles(files: readonly string[]): Promise<void> {
    await this.#call('removeFiles', files);
    for (const file of files) this.files.delete(file);
    this.#announce();
  }

  async #call(name: string, files: readonly string[]): Promise<void> {
    this.calls.push([name, ...files].join(' '));
    if (this.failures === 0) return;
    this.failures -= 1;
    await Promise.reject(new Error('the database is busy'));
  }

  #announce(): void {
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
