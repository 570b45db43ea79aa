import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleObjectPath, type BundleManifest, type CodeLocation } from '@tradewind/protocol';
import { moduleFormat } from './module-format.ts';

/** A bundle at one version, as this process imports it. */
export interface PinnedBundle {
  readonly bundleVersion: string;
  /** Files of the bundle that were loaded, relative to its folder, in the order of loading. */
  readonly loadedFiles: ReadonlySet<string>;
  /** Empties `loadedFiles`, where another dag file is imported next. */
  forgetLoadedFiles(): void;
  /** The import that could not be resolved last: what the file asked for, and the error that it got. */
  readonly lastUnresolved: UnresolvedImport | undefined;
  /** The URL that a file of the bundle is imported by: its place in the live folder. */
  urlOf(file: string): string;
  /** The file of the bundle that a URL or an absolute path names; undefined for everything outside. */
  fileOf(urlOrPath: string): string | undefined;
  /** The text that a file has at this version; undefined for a file that the version does not have. */
  textOf(file: string): string | undefined;
}

/** An import of a file of the bundle that led nowhere. */
export interface UnresolvedImport {
  readonly specifier: string;
  readonly file: string;
  readonly error: unknown;
}

/**
 * Pins this process to one version of a bundle (adr/0004). From here on a file of the bundle is imported under its live URL, so that
 * `import.meta.dirname`, stack traces and relative data files work, and has the content that the manifest names, also where the live file
 * has changed or is gone. Files that the manifest does not list are read live.
 *
 * Throws where the manifest cannot be read. Call it once in a process: hooks cannot be taken back.
 */
export function pinBundle(code: Pick<CodeLocation, 'bundleFolder' | 'bundleVersion' | 'manifestFile'>): PinnedBundle {
  const { files } = readManifest(code);
  const prefix = `${code.bundleFolder}${path.sep}`;
  const loadedFiles = new Set<string>();
  let lastUnresolved: UnresolvedImport | undefined;

  const isPinned = (file: string): boolean => Object.hasOwn(files, file);
  const contentOf = (file: string): Buffer | undefined => (isPinned(file) ? readObject(code, files[file] ?? '') : undefined);
  const textOf = (file: string): string | undefined => contentOf(file)?.toString('utf8');
  const fileOf = (urlOrPath: string): string | undefined => {
    const absolute = urlOrPath.startsWith('file:') ? pathOf(urlOrPath) : urlOrPath;
    return absolute?.startsWith(prefix) === true ? absolute.slice(prefix.length).replaceAll(path.sep, '/') : undefined;
  };
  const urlOf = (file: string): string => pathToFileURL(`${prefix}${file}`).href;

  registerHooks({
    resolve(specifier, context, nextResolve) {
      const url = absoluteUrl(specifier, context.parentURL);
      const file = url === undefined ? undefined : fileOf(url.href);
      // Decided here, because Node would look for the live file, which may be gone.
      if (url !== undefined && file !== undefined && isPinned(file)) return { url: `${urlOf(file)}${url.search}`, shortCircuit: true };
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        const parent = context.parentURL === undefined ? undefined : fileOf(context.parentURL);
        if (parent !== undefined) lastUnresolved = { specifier, file: parent, error };
        throw error;
      }
    },
    load(url, context, nextLoad) {
      const file = url.startsWith('file:') ? fileOf(url) : undefined;
      if (file === undefined) return nextLoad(url, context);
      loadedFiles.add(file);
      const format = isPinned(file) ? moduleFormat(file, { bundleFolder: code.bundleFolder, textOf }) : undefined;
      if (format === undefined) return nextLoad(url, context);
      const source = contentOf(file);
      if (source !== undefined && !isUtf8(source)) throw new SyntaxError(`${file} is not UTF-8 text; save it in that encoding`);
      return { format, source: source ?? '', shortCircuit: true };
    },
  });

  return {
    bundleVersion: code.bundleVersion,
    loadedFiles,
    forgetLoadedFiles: () => loadedFiles.clear(),
    get lastUnresolved() {
      return lastUnresolved;
    },
    urlOf,
    fileOf,
    textOf,
  };
}

function readManifest({ bundleVersion, manifestFile }: Pick<CodeLocation, 'bundleVersion' | 'manifestFile'>): BundleManifest {
  try {
    return JSON.parse(readFileSync(manifestFile, 'utf8')) as BundleManifest;
  } catch (cause) {
    throw new Error(`bundle version ${bundleVersion} cannot be read from ${manifestFile}; it may have been pruned since the run began`, {
      cause,
    });
  }
}

/** Not compared with its hash: that would load OpenSSL, a sixth of the time that a child takes to start. */
function readObject({ manifestFile }: Pick<CodeLocation, 'manifestFile'>, sha256: string): Buffer {
  return readFileSync(path.resolve(path.dirname(manifestFile), bundleObjectPath(sha256)));
}

/** The URL that a specifier names by itself; undefined for names of packages and aliases, which Node resolves. */
function absoluteUrl(specifier: string, parentUrl: string | undefined): URL | undefined {
  if (specifier.startsWith('file:')) return URL.parse(specifier) ?? undefined;
  if (!/^\.{0,2}\//.test(specifier) || parentUrl?.startsWith('file:') !== true) return undefined;
  return URL.parse(specifier, parentUrl) ?? undefined;
}

function pathOf(fileUrl: string): string | undefined {
  try {
    return fileURLToPath(fileUrl);
  } catch {
    return undefined;
  }
}
