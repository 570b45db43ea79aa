import path from 'node:path';
import type { CodeLocation } from '@tradewind/protocol';
import { DEFAULT_BUNDLE, readBundleFile } from '../model/bundle-file.ts';

/** Where a git bundle keeps what it has. */
export interface GitBundleFolders {
  readonly mirror: string;
  readonly commits: string;
  /** Versions and contents of one subfolder's files. */
  readonly store: string;
}

/** The folders of a git bundle. */
export function gitBundleFolders(stateFolder: string, bundleName: string, subfolder: string): GitBundleFolders {
  const folder = path.join(stateFolder, 'bundles', 'git', bundleName);
  return {
    mirror: path.join(folder, 'mirror.git'),
    commits: path.join(folder, 'commits'),
    // One name for a path, which is never empty and cannot lead elsewhere.
    store: path.join(folder, 'views', `_${encodeURIComponent(subfolder)}`),
  };
}

/** Where the versions of a folder of dag files are kept. */
export function localStoreFolder(stateFolder: string, bundleName: string): string {
  const bundles = path.join(stateFolder, 'bundles');
  return bundleName === DEFAULT_BUNDLE ? bundles : path.join(bundles, 'local', bundleName);
}

/** What is needed to find the code of a version. */
export interface BundlePlaces {
  readonly stateFolder: string;
  /** By name of the bundle: the folders that are configured now. */
  readonly folders: ReadonlyMap<string, string>;
}

/**
 * Where children find the code of a dag file at a version: the live paths, with the texts that the manifest pins (adr/0004). A bundle that is not configured
 * any more is still found: its texts are kept.
 * @param file as model/bundle-file.ts names it
 */
export function locateCode({ stateFolder, folders }: BundlePlaces, file: string, bundleVersion: string): CodeLocation {
  const { bundleName, subfolder, file: relative } = readBundleFile(file);
  if (subfolder !== undefined) {
    const { commits, store } = gitBundleFolders(stateFolder, bundleName, subfolder);
    return {
      bundleFolder: path.join(commits, bundleVersion, subfolder),
      file: relative,
      bundleVersion,
      manifestFile: path.join(store, 'versions', `${bundleVersion}.json`),
    };
  }
  const store = localStoreFolder(stateFolder, bundleName);
  return {
    bundleFolder: folders.get(bundleName) ?? path.join(store, 'gone'),
    file: relative,
    bundleVersion,
    manifestFile: path.join(store, 'versions', `${bundleVersion}.json`),
  };
}
