import { readFileSync } from 'node:fs';
import path from 'node:path';

const FORMATS: Readonly<Record<string, string>> = {
  '.mts': 'module-typescript',
  '.cts': 'commonjs-typescript',
  '.mjs': 'module',
  '.cjs': 'commonjs',
  '.json': 'json',
};

/** Where the format of a file is looked up. */
export interface FormatSources {
  readonly bundleFolder: string;
  /** The text of a file of the bundle, by its path relative to the folder; undefined where there is none. */
  readonly textOf: (file: string) => string | undefined;
}

/**
 * The format in which Node is to read a file of a bundle; undefined where it is neither a script nor JSON. `.ts` and `.js` follow the `type`
 * of the nearest package.json, as everywhere in Node, and are ES modules where none says otherwise.
 */
export function moduleFormat(file: string, sources: FormatSources): string | undefined {
  const extension = path.posix.extname(file);
  if (extension !== '.ts' && extension !== '.js') return FORMATS[extension];
  const format = packageType(file, sources) === 'commonjs' ? 'commonjs' : 'module';
  return extension === '.ts' ? `${format}-typescript` : format;
}

/** Inside the bundle the package.json of its version counts, above it the live one. */
function packageType(file: string, { bundleFolder, textOf }: FormatSources): unknown {
  for (let folder = path.posix.dirname(file); ; folder = path.posix.dirname(folder)) {
    const text = textOf(path.posix.join(folder, 'package.json'));
    if (text !== undefined) return typeIn(text);
    if (folder === '.') break;
  }
  for (let folder = path.dirname(bundleFolder); ; folder = path.dirname(folder)) {
    const text = readIfThere(path.join(folder, 'package.json'));
    if (text !== undefined) return typeIn(text);
    if (folder === path.dirname(folder)) return undefined;
  }
}

function typeIn(packageJson: string): unknown {
  try {
    return (JSON.parse(packageJson) as { type?: unknown } | null)?.type;
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
