import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleObjectPath, type BundleManifest } from '@tradewind/protocol';
import { locateCode, type BundlePlaces } from '../dag-processor/bundle-folders.ts';

/**
 * The text that a dag file has at a bundle version; undefined where the version, or the file in it, is not kept any more.
 * @param place as model/bundle-file.ts names it
 */
export async function readDagSource(places: BundlePlaces, place: string, bundleVersion: string): Promise<string | undefined> {
  const { manifestFile, file } = locateCode(places, place, bundleVersion);
  try {
    const { files } = JSON.parse(await readFile(manifestFile, 'utf8')) as BundleManifest;
    const sha256 = Object.hasOwn(files, file) ? files[file] : undefined;
    return sha256 === undefined ? undefined : await readFile(path.resolve(path.dirname(manifestFile), bundleObjectPath(sha256)), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
