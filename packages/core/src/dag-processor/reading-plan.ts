import path from 'node:path';
import type { BundleScan } from './bundle-scanner.ts';

/** What is remembered of a dag file between two scans. */
export interface FileMemory {
  /** Undefined where its content could not be read. */
  readonly contentHash: string | undefined;
  /** By path; `''` for a file that is no part of the bundle version. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Set while the file has an import error. */
  readonly failure?: FailureMemory;
}

/** What decides when a file with an import error is read again although it has not changed. */
export interface FailureMemory {
  /** Another version may hold what the file missed. */
  readonly bundleVersion: string;
  /** Not before this, in milliseconds since the epoch; what it missed may also lie outside the bundle. Infinity for never. */
  readonly retryAt: number;
  /** Reading it took so long that other files' changes are no reason to try again. */
  readonly isSlow: boolean;
}

/** What a scan means for the dag files, each list sorted by path. */
export interface ReadingPlan {
  /** The file or something that it imports is new or has changed. */
  readonly changed: readonly string[];
  /** Failed earlier and may fare better now. */
  readonly retried: readonly string[];
  /** As they were, and without an import error. */
  readonly unchanged: readonly string[];
  /** Dag files that are there and cannot be part of the bundle, and why. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
  readonly removed: readonly string[];
}

/** Compares what a folder holds with what was read of it. */
export function planReading(scan: BundleScan, memory: ReadonlyMap<string, FileMemory>, now: number): ReadingPlan {
  const changed: string[] = [];
  const retried: string[] = [];
  const unchanged: string[] = [];
  for (const file of [...scan.files.keys()].filter(isDagFile)) {
    const known = memory.get(file);
    if (known === undefined || hasChanged(file, known, scan)) changed.push(file);
    else if (known.failure === undefined) unchanged.push(file);
    else if (isDue(known.failure, scan, now)) retried.push(file);
  }
  const unreadable = scan.skipped.filter((skipped) => isDagFile(skipped.path));
  const present = new Set([...scan.files.keys(), ...unreadable.map((skipped) => skipped.path)]);
  return { changed, retried, unchanged, unreadable, removed: [...memory.keys()].filter((file) => !present.has(file)) };
}

/** Whether a file of the bundle may hold dags: a script, but neither a declaration nor a test. */
export function isDagFile(file: string): boolean {
  return /\.m?[jt]s$/.test(file) && !/\.(d|test)\.m?[jt]s$/.test(path.posix.basename(file));
}

function hasChanged(file: string, known: FileMemory, { files }: BundleScan): boolean {
  if (known.contentHash !== files.get(file)) return true;
  return Object.entries(known.dependencies).some(([dependency, sha256]) => (files.get(dependency) ?? '') !== sha256);
}

function isDue({ bundleVersion, retryAt, isSlow }: FailureMemory, scan: BundleScan, now: number): boolean {
  if (retryAt === Number.POSITIVE_INFINITY) return false;
  return now >= retryAt || (!isSlow && bundleVersion !== scan.version.bundleVersion);
}
