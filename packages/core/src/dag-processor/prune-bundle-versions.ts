import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { BundleManifest } from '@tradewind/protocol';

/** How many of the newest versions stay, whether anything needs them or not: somebody may be about to start a run on one. */
const NEWEST_KEPT = 5;

/** What was taken away. */
export interface PrunedVersions {
  readonly versions: number;
  readonly objects: number;
}

/**
 * Takes away the bundle versions that are neither in `keep` nor among the newest five, and the contents that only they had. Nothing may
 * store versions at the same time, which is why it is the scanner that calls this. Killed half-way, the next call does the rest.
 * @param storeFolder holds the folders `versions` and `objects` of one bundle
 * @param keep versions that runs may still need
 */
export async function pruneBundleVersions(storeFolder: string, keep: ReadonlySet<string>): Promise<PrunedVersions> {
  const versionsFolder = path.join(storeFolder, 'versions');
  const objectsFolder = path.join(storeFolder, 'objects');
  const versions = await newestFirst(versionsFolder);
  const kept = versions.filter((file, index) => index < NEWEST_KEPT || keep.has(path.basename(file, '.json')));
  const dropped = versions.filter((file) => !kept.includes(file));
  await Promise.all(dropped.map((file) => rm(file, { force: true })));
  const needed = new Set((await Promise.all(kept.map(objectsOf))).flat());
  const unneeded = (await namesIn(objectsFolder)).filter((name) => !needed.has(name));
  await Promise.all(unneeded.map((name) => rm(path.join(objectsFolder, name), { force: true })));
  return { versions: dropped.length, objects: unneeded.length };
}

async function newestFirst(folder: string): Promise<string[]> {
  const files = (await namesIn(folder)).filter((name) => name.endsWith('.json')).map((name) => path.join(folder, name));
  const ages = await Promise.all(files.map(async (file) => ({ file, writtenMs: (await stat(file)).mtimeMs })));
  return ages.toSorted((a, b) => b.writtenMs - a.writtenMs || (a.file < b.file ? -1 : 1)).map(({ file }) => file);
}

async function objectsOf(manifestFile: string): Promise<string[]> {
  return Object.values((JSON.parse(await readFile(manifestFile, 'utf8')) as BundleManifest).files);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
}
