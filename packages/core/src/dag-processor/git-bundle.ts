/**
 * A git repository as a bundle: a commit is a version. The repository is kept as a bare mirror; each commit that is used is checked out once, into a folder of
 * its own that never changes, and stays for as long as a run may need it.
 *
 *   bundles/git/<name>/mirror.git              every branch and tag, and the commits that are checked out
 *                     /commits/<commit>        what the commit holds
 *                     /views/<subfolder>       versions and contents of the dag files (bundle-scanner.ts)
 *
 * A repository that cannot be reached is tried again after pauses that grow; until then the last commit goes on being the bundle.
 */
import { mkdir, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { GitBundleConfig } from '../platform/bundle-config.ts';
import type { Clock } from '../platform/clock.ts';
import { messageOf, TradewindError } from '../platform/errors.ts';
import { runGit, type GitCall } from '../platform/git.ts';
import type { Log } from '../platform/log.ts';
import { BundleScanner, type BundleScan, type BundleSource, type StoredManifest } from './bundle-scanner.ts';
import { gitBundleFolders, type GitBundleFolders } from './bundle-folders.ts';
import { isWithin } from './list-bundle-files.ts';
import { pruneBundleVersions, type PrunedVersions } from './prune-bundle-versions.ts';
import { Turn } from './turn.ts';

/** What a git bundle needs. */
export interface GitBundleOptions {
  readonly config: GitBundleConfig;
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly log: Log;
}

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;
/** The first fetch of a large repository takes its time. */
const FETCH_TIMEOUT_MS = 600_000;
const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** Keeps a commit in the mirror after a branch was moved away from it. */
const KEPT_REFS = 'refs/tradewind/';

/** The source of one git bundle. */
export class GitBundle implements BundleSource {
  readonly isLive = false;
  readonly #options: GitBundleOptions;
  readonly #folders: GitBundleFolders;
  readonly #stopping = new AbortController();
  #latest: BundleScan | undefined;
  #nextFetchAtMs = 0;
  #failures = 0;
  #lastProblem: TradewindError | undefined;
  readonly #turn = new Turn();

  constructor(options: GitBundleOptions) {
    this.#options = options;
    this.#folders = gitBundleFolders(options.stateFolder, options.config.name, options.config.subfolder);
  }

  /**
   * The files of the commit that the ref is at, fetched where it is time to.
   * Rejects with a TradewindError `repository_unavailable` where the repository could never be read, `bad_configuration` where there is no such ref or subfolder.
   */
  scan(): Promise<BundleScan> {
    return this.#turn.run(async () => {
      await this.#fetchWhereDue();
      const commit = await this.#resolve();
      if (this.#latest?.version.bundleVersion === commit) return this.#latest;
      await this.#checkOut(commit);
      this.#latest = await this.#scanCommit(commit);
      this.#options.log.info('the git bundle is at another commit', {
        bundle: this.#options.config.name,
        commit,
        files: this.#latest.files.size,
      });
      return this.#latest;
    });
  }

  /** Commits do not change: what counts is which one is the newest. */
  hashNow(file: string): Promise<string | undefined> {
    return Promise.resolve(this.#latest?.files.get(file));
  }

  prune(keep: ReadonlySet<string>): Promise<PrunedVersions> {
    return this.#turn.run(async () => {
      const pruned = await pruneBundleVersions(this.#folders.store, keep);
      const kept = new Set((await namesIn(path.join(this.#folders.store, 'versions'))).map((name) => path.basename(name, '.json')));
      for (const name of await namesIn(this.#folders.commits)) {
        if (kept.has(name) || keep.has(name)) continue;
        await rm(path.join(this.#folders.commits, name), { recursive: true, force: true });
        if (COMMIT.test(name)) await this.#git(['update-ref', '-d', `${KEPT_REFS}${name}`]);
      }
      return pruned;
    });
  }

  refresh(): void {
    this.#nextFetchAtMs = 0;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #fetchWhereDue(): Promise<void> {
    const { clock, config, log } = this.#options;
    if (clock.monotonicMs() < this.#nextFetchAtMs) {
      // Nothing was ever read, and it is too soon to try again.
      if (this.#lastProblem !== undefined && !(await this.#hasMirror())) throw this.#lastProblem;
      return;
    }
    try {
      await this.#fetch();
      this.#failures = 0;
      this.#lastProblem = undefined;
      this.#nextFetchAtMs = clock.monotonicMs() + config.refreshSeconds * 1_000;
    } catch (error) {
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
      this.#failures += 1;
      this.#lastProblem = error instanceof TradewindError ? error : undefined;
      this.#nextFetchAtMs = clock.monotonicMs() + pauseMs;
      if (!(await this.#hasMirror())) throw error;
      log.warning('a git bundle could not be fetched; it stays at its commit', {
        bundle: config.name,
        problem: messageOf(error),
        nextTryInMs: pauseMs,
      });
    }
  }

  /** Every branch and tag as they are there now, also those that were moved back or taken away. */
  async #fetch(): Promise<void> {
    if (!(await exists(this.#folders.mirror))) {
      await mkdir(this.#folders.mirror, { recursive: true });
      await this.#git(['init', '--bare', '--quiet']);
    }
    const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
    await this.#git(['fetch', '--quiet', '--prune', '--no-write-fetch-head', '--no-recurse-submodules', 'origin', ...refs], {
      timeoutMs: FETCH_TIMEOUT_MS,
    });
  }

  /** Whether something was fetched at some time. */
  async #hasMirror(): Promise<boolean> {
    return (await exists(this.#folders.mirror)) && (await this.#git(['for-each-ref', '--count=1'])) !== '';
  }

  /** The commit that the ref names: a branch before a tag before a commit. */
  async #resolve(): Promise<string> {
    const { name, ref, repository } = this.#options.config;
    const listed = await this.#git([
      'for-each-ref',
      '--format=%(refname) %(objectname) %(*objectname)',
      `refs/heads/${ref}`,
      `refs/tags/${ref}`,
    ]);
    for (const wanted of [`refs/heads/${ref}`, `refs/tags/${ref}`]) {
      const [, object, peeled] =
        listed
          .split('\n')
          .find((line) => line.startsWith(`${wanted} `))
          ?.split(' ') ?? [];
      const commit = peeled === undefined || peeled === '' ? object : peeled;
      if (commit !== undefined) return commit;
    }
    if (COMMIT.test(ref)) return ref;
    throw new TradewindError(
      'bad_configuration',
      `bundle "${name}": ${repository} has neither a branch nor a tag "${ref}"; change its ref in the configuration`,
    );
  }

  /** Plumbing alone: it runs nothing that lies in the repository, and leaves submodules as empty folders. */
  async #checkOut(commit: string): Promise<void> {
    const target = path.join(this.#folders.commits, commit);
    if (await exists(target)) return;
    const unfinished = `${target}.unfinished`;
    const call = { workFolder: unfinished, indexFile: `${unfinished}.index` };
    await rm(unfinished, { recursive: true, force: true });
    await rm(call.indexFile, { force: true });
    await mkdir(unfinished, { recursive: true });
    try {
      await this.#git(['update-ref', `${KEPT_REFS}${commit}`, `${commit}^{commit}`]);
      await this.#git(['read-tree', commit], call);
      await this.#git(['checkout-index', '--all', '--force', '--quiet'], { ...call, timeoutMs: FETCH_TIMEOUT_MS });
      await rename(unfinished, target);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
      await rm(call.indexFile, { force: true });
    }
  }

  /** A commit that was scanned before is what its manifest says, whatever has become of the folder. */
  async #scanCommit(commit: string): Promise<BundleScan> {
    const { config, stateFolder, clock } = this.#options;
    const { store, commits } = this.#folders;
    const root = await realpath(path.join(commits, commit));
    const bundleFolder = await this.#subfolderOf(root, commit);
    const manifestFile = path.join(store, 'versions', `${commit}.json`);
    const known = await readManifest(manifestFile);
    if (known !== undefined) {
      const version = { bundleFolder, bundleVersion: commit, manifestFile };
      return { version, files: new Map(Object.entries(known.files)), skipped: known.skipped ?? [] };
    }
    this.#options.log.debug('a commit is read', { bundle: config.name, commit });
    return new BundleScanner({ bundleFolder, stateFolder, clock, storeFolder: store, bundleVersion: commit, confinedTo: root }).scan();
  }

  async #subfolderOf(root: string, commit: string): Promise<string> {
    const { name, subfolder } = this.#options.config;
    const folder = await realpath(path.join(root, subfolder)).catch(() => undefined);
    if (folder !== undefined && isWithin(folder, root) && (await stat(folder)).isDirectory()) return folder;
    throw new TradewindError(
      'bad_configuration',
      `bundle "${name}": commit ${commit.slice(0, 12)} has no folder "${subfolder}", or it is a link that leads out of the repository; change its subfolder`,
    );
  }

  #git(args: readonly string[], call?: GitCall): Promise<string> {
    const { config, clock } = this.#options;
    const settings = {
      gitFolder: this.#folders.mirror,
      repository: config.repository,
      tokenEnv: config.tokenEnv,
      clock,
      signal: this.#stopping.signal,
    };
    return runGit(args, settings, call);
  }
}

async function readManifest(file: string): Promise<StoredManifest | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as StoredManifest;
  } catch {
    // Written whole or not at all; one that somebody spoilt is written anew.
    return undefined;
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
}
