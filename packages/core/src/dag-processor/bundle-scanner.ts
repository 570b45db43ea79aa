/**
 * Turns the folder of dag files into versions. A version is the hash over the paths and contents of its files; the contents are kept by
 * their own hashes, so that a version costs only what changed, and a run finds the code of its version for as long as it needs it.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { BundleManifest, CodeLocation } from '@tradewind/protocol';
import type { Clock } from '../platform/clock.ts';
import { messageOf, TradewindError } from '../platform/errors.ts';
import { mapSideBySide } from '../platform/map-side-by-side.ts';
import { listBundleFiles, type ListedFile, type SkippedFile } from './list-bundle-files.ts';
import { pruneBundleVersions, type PrunedVersions } from './prune-bundle-versions.ts';
import { Turn } from './turn.ts';
import { writeWhole } from './write-whole.ts';

/** A version of a bundle, as everything that imports from it needs to know it. */
export type BundleVersion = Pick<CodeLocation, 'bundleFolder' | 'bundleVersion' | 'manifestFile'>;

/** What a folder held at one moment. */
export interface BundleScan {
  readonly version: BundleVersion;
  /** sha256 of each file's content (hex), by its path relative to the folder, sorted by path. */
  readonly files: ReadonlyMap<string, string>;
  /** Files that are no part of the version, and why. */
  readonly skipped: readonly SkippedFile[];
}

/** Where a dag processor gets a bundle from: a folder, or a repository. */
export interface BundleSource {
  /** Whether the folder of a version can change, so that it is worth watching. */
  readonly isLive: boolean;
  /** The bundle as it is now, stored as a version. Rejects with a TradewindError where that cannot be said. */
  scan(): Promise<BundleScan>;
  /** The hash of a file's content at this moment; undefined where it cannot be read. */
  hashNow(file: string): Promise<string | undefined>;
  /** Takes away the versions that nobody needs; those in `keep` stay. */
  prune(keep: ReadonlySet<string>): Promise<PrunedVersions>;
  /** The next scan looks for what is new, however short a time ago that was done. */
  refresh(): void;
  /** Ends what the source does at the moment; a scan that is under way rejects. */
  stop(): void;
}

/** What a scanner needs to know. */
export interface BundleScannerOptions {
  /** The folder of dag files; it may be a link, and lead elsewhere at each scan. */
  readonly bundleFolder: string;
  readonly stateFolder: string;
  readonly clock: Clock;
  /** Where versions and contents are kept. @default `bundles` in the state folder */
  readonly storeFolder?: string | undefined;
  /** What the version is called; then the folder is one that does not change. @default a hash over the files */
  readonly bundleVersion?: string;
  /** A folder that links must not lead out of. @default links may lead anywhere */
  readonly confinedTo?: string;
}

/** A manifest as it is kept; that of a version that does not change also says what is no part of it. */
export interface StoredManifest extends BundleManifest {
  readonly skipped?: readonly SkippedFile[];
}

/** Together the files of a bundle may have this many bytes: it is code, and every version of it is kept for a while. */
const MAX_BUNDLE_BYTES = 256 * 1_048_576;
/** A file that changed this shortly before it was read may change again without its times showing it. */
const UNCERTAIN_MS = 2_000;
/** A folder that keeps changing under the reader is taken as it is after this many attempts; the next change is read soon anyway. */
const MAX_ATTEMPTS = 3;

/** Reads the folder of one bundle again and again; what has not changed is not read twice. */
export class BundleScanner implements BundleSource {
  readonly isLive = true;
  readonly #options: BundleScannerOptions;
  /** By path: the hash of the content, and how the file looked when it was read. */
  readonly #known = new Map<string, { readonly sha256: string; readonly look: string | undefined }>();
  /** Names of the objects and versions that are known to be stored. */
  readonly #stored = new Set<string>();
  readonly #storing = new Map<string, Promise<void>>();
  /** Scans store what others take away, so they wait for one another. */
  readonly #turn = new Turn();

  constructor(options: BundleScannerOptions) {
    this.#options = options;
  }

  /**
   * Stores the folder as it is now as a version. Rejects with a TradewindError where the folder is missing or too large, for then nothing is
   * known about its files.
   */
  scan(): Promise<BundleScan> {
    return this.#turn.run(async () => {
      for (let attempt = 1; ; attempt += 1) {
        const { scan, hasGap } = await this.#read();
        if (!hasGap || attempt === MAX_ATTEMPTS) return scan;
      }
    });
  }

  /** The hash of a file's content at this moment; undefined where it cannot be read. */
  async hashNow(file: string): Promise<string | undefined> {
    try {
      return sha256Of(await readFile(path.join(this.#options.bundleFolder, file)));
    } catch {
      return undefined;
    }
  }

  /** Takes away the versions that nobody needs (prune-bundle-versions.ts). */
  prune(keep: ReadonlySet<string>): Promise<PrunedVersions> {
    return this.#turn.run(async () => {
      this.#stored.clear();
      return pruneBundleVersions(this.#storeFolder, keep);
    });
  }

  /** A folder is looked at with every scan. */
  refresh(): void {}

  /** Reading a folder ends by itself. */
  stop(): void {}

  async #read(): Promise<{ scan: BundleScan; hasGap: boolean }> {
    const bundleFolder = await realFolder(this.#options.bundleFolder);
    const listed = await listBundleFiles(bundleFolder, this.#options.confinedTo);
    checkSize(bundleFolder, listed.files);
    await mkdir(this.#folder('objects'), { recursive: true });
    await mkdir(this.#folder('versions'), { recursive: true });
    const files = new Map<string, string>();
    const skipped = [...listed.skipped];
    let { hasGap } = listed;
    const readings = await mapSideBySide(listed.files, async (file) => ({ file, read: await this.#hash(bundleFolder, file) }));
    for (const { file, read } of readings) {
      if ('sha256' in read) files.set(file.path, read.sha256);
      else skipped.push({ path: file.path, reason: read.problem });
      hasGap ||= 'isGone' in read && read.isGone;
    }
    for (const file of this.#known.keys()) if (!files.has(file)) this.#known.delete(file);
    const version = await this.#storeVersion(bundleFolder, files, skipped);
    return { scan: { version, files, skipped }, hasGap };
  }

  async #hash(bundleFolder: string, file: ListedFile): Promise<{ sha256: string } | { problem: string; isGone: boolean }> {
    const known = this.#known.get(file.path);
    if (known?.look === file.look && this.#stored.has(known.sha256)) return known;
    let content: Buffer;
    try {
      content = await readFile(path.join(bundleFolder, file.path));
    } catch (error) {
      return { problem: `cannot be read: ${messageOf(error)}`, isGone: (error as NodeJS.ErrnoException).code === 'ENOENT' };
    }
    const sha256 = sha256Of(content);
    await this.#store(path.join(this.#folder('objects'), sha256), content);
    const isCertain = this.#options.clock.now() - file.changedAt > UNCERTAIN_MS;
    this.#known.set(file.path, { sha256, look: isCertain ? file.look : undefined });
    return { sha256 };
  }

  async #storeVersion(bundleFolder: string, files: ReadonlyMap<string, string>, skipped: readonly SkippedFile[]): Promise<BundleVersion> {
    const bundleVersion = this.#options.bundleVersion ?? sha256Of(JSON.stringify([...files]));
    const manifestFile = path.join(this.#folder('versions'), `${bundleVersion}.json`);
    const manifest: StoredManifest = {
      bundleVersion,
      files: Object.fromEntries(files),
      ...(this.#options.bundleVersion === undefined ? {} : { skipped }),
    };
    await this.#store(manifestFile, JSON.stringify(manifest));
    return { bundleFolder, bundleVersion, manifestFile };
  }

  /** Files with the same content are one object: it is written once, also where they are read at the same time. */
  async #store(file: string, content: string | Uint8Array): Promise<void> {
    const name = path.basename(file);
    if (this.#stored.has(name)) return;
    const storing = this.#storing.get(name) ?? writeWhole(file, content);
    this.#storing.set(name, storing);
    try {
      await storing;
    } finally {
      this.#storing.delete(name);
    }
    this.#stored.add(name);
  }

  get #storeFolder(): string {
    return this.#options.storeFolder ?? path.join(this.#options.stateFolder, 'bundles');
  }

  #folder(name: 'objects' | 'versions'): string {
    return path.join(this.#storeFolder, name);
  }
}

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (cause) {
    throw new TradewindError('not_found', `the folder of dag files ${folder} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function checkSize(folder: string, files: readonly ListedFile[]): void {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= MAX_BUNDLE_BYTES) return;
  const largest = files.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
  throw new TradewindError(
    'bad_configuration',
    `the files in ${folder} have ${bytes} bytes together, and at most ${MAX_BUNDLE_BYTES} are kept; move data out of it, beginning with ` +
      largest.map((file) => file.path).join(', '),
  );
}

function sha256Of(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
