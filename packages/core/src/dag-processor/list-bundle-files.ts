import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, TradewindError } from '../platform/errors.ts';
import { mapSideBySide } from '../platform/map-side-by-side.ts';

/** A file that belongs to a bundle. */
export interface ListedFile {
  /** Relative to the bundle's folder, with `/` between its parts. */
  readonly path: string;
  readonly bytes: number;
  /** When the content or anything else about the file changed last, in milliseconds since the epoch. */
  readonly changedAt: number;
  /** Differs whenever the file may have been written since. */
  readonly look: string;
}

/** A file that does not belong to a bundle although it lies in its folder. */
export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}

/** What a walk through a folder found. */
export interface FileList {
  /** Sorted by path, as the others are. */
  readonly files: readonly ListedFile[];
  readonly skipped: readonly SkippedFile[];
  /** Something was taken away during the walk, so that the list may mix two states of the folder. */
  readonly hasGap: boolean;
}

/** A larger file is data and not code. */
export const MAX_BUNDLE_FILE_BYTES = 10 * 1_048_576;
/** Folders count too: the walk must end wherever links lead. */
const MAX_ENTRIES = 20_000;

interface Walk {
  readonly root: string;
  readonly confinedTo: string | undefined;
  readonly files: ListedFile[];
  readonly skipped: SkippedFile[];
  entries: number;
  hasGap: boolean;
}

/**
 * The files of a bundle: everything below the folder but names that start with a dot, `node_modules`, and files over 10 MB. Links are
 * followed, one that leads back to a folder above it is skipped.
 *
 * Rejects with a TradewindError where there are more than 20,000 entries; the reading of single files never rejects.
 * @param root a real path: no part of it is a link
 * @param confinedTo a real path, too: links that lead out of it are skipped. @default links may lead anywhere
 */
export async function listBundleFiles(root: string, confinedTo?: string): Promise<FileList> {
  const walk: Walk = { root, confinedTo, files: [], skipped: [], entries: 0, hasGap: false };
  await walkFolder(walk, '', [root]);
  const sorted = <Entry extends { readonly path: string }>(entries: readonly Entry[]): Entry[] =>
    entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return { files: sorted(walk.files), skipped: sorted(walk.skipped), hasGap: walk.hasGap };
}

/** @param above the real paths of the folder and of those it was reached through */
async function walkFolder(walk: Walk, folder: string, above: readonly string[]): Promise<void> {
  const entries = await tolerate(walk, folder, () => readdir(path.join(walk.root, folder), { withFileTypes: true }));
  const wanted = (entries ?? []).filter(({ name }) => !name.startsWith('.') && name !== 'node_modules');
  await mapSideBySide(wanted, async (entry) => {
    walk.entries += 1;
    if (walk.entries > MAX_ENTRIES) {
      throw new TradewindError(
        'bad_configuration',
        `the folder of dag files ${walk.root} holds more than ${MAX_ENTRIES} files and folders; move data out of it, it is for code only`,
      );
    }
    await visit(walk, path.posix.join(folder, entry.name), { entry, above });
  });
}

async function visit(walk: Walk, relative: string, { entry, above }: { entry: Dirent; above: readonly string[] }): Promise<void> {
  const absolute = path.join(walk.root, relative);
  if (walk.confinedTo !== undefined && entry.isSymbolicLink()) {
    const real = await tolerate(walk, relative, () => realpath(absolute));
    if (real === undefined) return;
    if (!isWithin(real, walk.confinedTo)) {
      walk.skipped.push({ path: relative, reason: 'is a link that leads out of the repository' });
      return;
    }
  }
  const facts = await tolerate(walk, relative, () => stat(absolute, { bigint: true }));
  if (facts === undefined) return;
  if (facts.isDirectory()) {
    const real = entry.isSymbolicLink() ? await tolerate(walk, relative, () => realpath(absolute)) : absolute;
    if (real === undefined) return;
    if (above.includes(real)) walk.skipped.push({ path: relative, reason: 'is a link to a folder that contains it' });
    else await walkFolder(walk, relative, [...above, real]);
    return;
  }
  if (!facts.isFile()) {
    walk.skipped.push({ path: relative, reason: 'is neither a file nor a folder' });
    return;
  }
  const bytes = Number(facts.size);
  if (bytes > MAX_BUNDLE_FILE_BYTES) {
    walk.skipped.push({ path: relative, reason: `has ${bytes} bytes; files over ${MAX_BUNDLE_FILE_BYTES} bytes are data and not code` });
    return;
  }
  const changedNs = facts.ctimeNs > facts.mtimeNs ? facts.ctimeNs : facts.mtimeNs;
  const look = [facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join(':');
  walk.files.push({ path: relative, bytes, changedAt: Number(changedNs / 1_000_000n), look });
}

/** Whether a real path is a folder or lies in it. */
export function isWithin(real: string, folder: string): boolean {
  return real === folder || real.startsWith(`${folder}${path.sep}`);
}

/** One unreadable file must not hide the others. */
async function tolerate<Result>(walk: Walk, relative: string, read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') walk.hasGap = true;
    walk.skipped.push({ path: relative, reason: `cannot be read: ${messageOf(error)}` });
    return undefined;
  }
}
