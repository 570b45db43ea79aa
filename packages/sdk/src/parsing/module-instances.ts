import { registerHooks, type ResolveFnOutput, type ResolveHookContext } from 'node:module';

/** What the modules of one dag file mean for the process that reads it among others. */
export interface ModuleFindings {
  /** The file could notice that it is not the first one here. */
  readonly isDisturbed: boolean;
  /** A file after it could notice that it was here. */
  readonly isLasting: boolean;
  /** It, or a file before it, has loaded a part of Node, whose properties it could change. */
  readonly hasBuiltins: boolean;
}

/** Keeps the modules of dag files that are read one after the other in one process apart. */
export interface ModuleInstances {
  /** From here on another dag file is read. */
  startFile(): void;
  /** What the modules that were loaded since then mean. */
  findings(): ModuleFindings;
}

/** Modules of Node that hold no state which a file could leave in them, but for their own properties (shared-state.ts). */
export const STATELESS_BUILTINS: ReadonlySet<string> = new Set(
  'assert assert/strict buffer crypto events fs fs/promises os path path/posix querystring string_decoder timers timers/promises url util'.split(
    ' ',
  ),
);
const SCRIPT_FORMATS: ReadonlySet<string> = new Set(['module', 'module-typescript', 'json']);
/** Code that may tell one instance of a module from another, though it has the same text. */
const SEES_INSTANCE = /\bimport\.meta(?!\.(?:dirname|filename)\b)|\.stack\b/;
/** Code that may see the instances of others. */
const SEES_OTHERS = /\bimport\.meta(?!\.(?:dirname|filename|url)\b)/;
/** Code that may change what is not compared, or reach what `STATELESS_BUILTINS` leaves out without importing it. */
const REACHES_FURTHER = /\b(?:getBuiltinModule|prepareStackTrace|umask)\b/;
const PARAMETER = 'tradewind-file';

/** What is loaded once for all dag files. */
export interface SharedModules {
  /** URL prefixes of the packages. */
  readonly sharedPrefixes: readonly string[];
  /** The module that imports the dag files, although it lies in such a package. */
  readonly importerUrl: string;
}

/**
 * Registers hooks that give each dag file its own instance of every module, but for those of shared packages and what they load.
 * A module that an earlier file has loaded is loaded again, under its URL with a parameter. What cannot be loaded twice (CommonJS, native modules, parts of
 * Node with a state) is loaded, and makes the file the last one of its process. Call it once in a process, before the first file.
 */
export function separateModules({ sharedPrefixes, importerUrl }: SharedModules): ModuleInstances {
  /** By URL: the number of the file that loaded it first. */
  const firstFiles = new Map<string, number>();
  /** Modules that the shared packages load when they need them. */
  const sharedUrls = new Set<string>();
  let file = 0;
  let isDisturbed = false;
  let isLasting = false;
  let hasBuiltins = false;

  const isShared = (url: string | undefined): boolean =>
    url !== undefined && (sharedUrls.has(url) || sharedPrefixes.some((prefix) => url.startsWith(prefix)));

  const place = (resolved: ResolveFnOutput, { parentURL, conditions }: ResolveHookContext): string => {
    const { url } = resolved;
    if (parentURL !== importerUrl && isShared(parentURL)) {
      sharedUrls.add(url);
      return url;
    }
    if (sharedUrls.has(url)) isLasting = true;
    if (isShared(url)) return url;
    if (url.startsWith('node:')) {
      hasBuiltins = true;
      isLasting ||= !STATELESS_BUILTINS.has(url.slice('node:'.length));
      return url;
    }
    const first = firstFiles.get(url) ?? file;
    firstFiles.set(url, first);
    if (first === file) return url;
    // `require` finds a module by its path alone.
    if (conditions.includes('require') || !url.startsWith('file:')) isDisturbed = true;
    return `${url}${url.includes('?') ? '&' : '?'}${PARAMETER}=${file}`;
  };

  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      return { ...resolved, url: place(resolved, context) };
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url.startsWith('node:') || isShared(url)) return loaded;
      if (!SCRIPT_FORMATS.has(loaded.format ?? '')) isLasting = true;
      const text = loaded.source === undefined || loaded.source === null ? '' : Buffer.from(loaded.source as string).toString('utf8');
      if (REACHES_FURTHER.test(text)) isLasting = true;
      if ((url.includes(`${PARAMETER}=`) ? SEES_INSTANCE : SEES_OTHERS).test(text)) isDisturbed = true;
      return loaded;
    },
  });

  return {
    startFile() {
      file += 1;
      isDisturbed = false;
      isLasting = false;
    },
    findings: () => ({ isDisturbed, isLasting, hasBuiltins }),
  };
}
