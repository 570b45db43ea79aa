import type { ParseFailure, SerializedDag } from '@tradewind/protocol';
import type { BundleVersion } from './bundle-scanner.ts';

/**
 * Where the dag processor keeps what it reads: the store in an environment, a list in tests. Each call is one transaction and may be
 * repeated; a call that rejects is made again later.
 */
export interface DagFileSink {
  /** What is known of the files from an earlier life of the environment. */
  loadKnownFiles(): Promise<readonly KnownFile[]>;
  /**
   * The file was read: these are its dags from now on, and an earlier import error is over. Dags that the file defined before and that are
   * neither in `dags` nor defined by another file are gone.
   */
  saveParsedFile(parsed: ParsedFile): Promise<void>;
  /** The same for several files, in this order and in as few transactions as may be; where it rejects, some may be saved. */
  saveParsedFiles(parsed: readonly ParsedFile[]): Promise<void>;
  /** The file could not be read, or not all of its dags are taken. The dags that it has stay as they are. */
  saveImportError(failed: FailedFile): Promise<void>;
  /** The files are part of this bundle version as they are: new runs of their dags start on it. Files that are not named stay on theirs. */
  moveFiles(files: readonly string[], version: BundleVersion): Promise<void>;
  /** The files are gone, and with them their dags and import errors. */
  removeFiles(files: readonly string[]): Promise<void>;
}

/** A dag file as it was read last. Paths are relative to the bundle's folder. */
export interface KnownFile {
  readonly file: string;
  /** sha256 of its content (hex). */
  readonly contentHash: string;
  /** By path: the content hash of each file of the bundle that it imports, itself included. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** The dags that it defines; empty for a library. */
  readonly dags: readonly { readonly dagId: string; readonly serializedHash: string }[];
  /** Whether an import error is recorded for it. */
  readonly hasImportError: boolean;
}

/** A dag file that was read. */
export interface ParsedFile {
  readonly file: string;
  readonly contentHash: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly version: BundleVersion;
  readonly dags: readonly ParsedDag[];
  /** What is odd about the file and does not keep its dags from running. */
  readonly warnings: readonly string[];
  /** How long the reading took, its process included. */
  readonly parseMs: number;
}

/** A dag that was read and checked. */
export interface ParsedDag {
  readonly dag: SerializedDag;
  /** sha256 of the dag as JSON: another hash is another version of the dag. */
  readonly serializedHash: string;
}

/** A dag file that could not be read. */
export interface FailedFile {
  readonly file: string;
  /** Undefined where not even its content could be read. */
  readonly contentHash: string | undefined;
  readonly version: BundleVersion;
  readonly error: ParseFailure;
}
