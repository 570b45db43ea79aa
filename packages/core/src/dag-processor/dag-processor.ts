/**
 * Keeps the store's dags in step with a bundle of dag files: a folder, or a git repository.
 *
 *   a change is noticed (or 30 s have passed) ─▸ scan ─▸ plan ─┬─▸ removed files are removed
 *                                                              ├─▸ unchanged files move to the new bundle version
 *                                                              └─▸ changed files queue ─▸ each is read as though it were alone ─▸ saved
 *
 * Scanning and reading go on at the same time: a file that takes its 30 s holds up no other. Nothing that happens in here ends the loop: it
 * is logged, and tried again after a pause that grows.
 */
import type { CodeLocation, ParseReply } from '@tradewind/protocol';
import { sleep, type Clock, type Timer } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { BundleOwners, type DagClaims } from './bundle-owners.ts';
import type { BundleScan, BundleSource } from './bundle-scanner.ts';
import { ChangeSignal } from './change-signal.ts';
import type { DagFileSink, ParsedDag } from './dag-file-sink.ts';
import { DagFiles, type DagFilesChange, type SuccessfulReading } from './dag-files.ts';
import { createFolderWatcher, type FolderWatcher } from './folder-watcher.ts';
import { ParseQueue, type ReadingReason } from './parse-queue.ts';
import type { PrunedVersions } from './prune-bundle-versions.ts';
import { isDagFile, planReading } from './reading-plan.ts';
import { readReply, type FindDagProblem } from './read-reply.ts';
import { SaveQueue } from './save-queue.ts';
import { Turn } from './turn.ts';

/** What a dag processor needs. */
export interface DagProcessorOptions {
  /** Where the dag files come from. */
  readonly source: BundleSource;
  readonly sink: DagFileSink;
  readonly clock: Clock;
  readonly log: Log;
  /** Reads one file as though it were alone in its process, as dag-file-reader.ts does; `isOneOfMany` says that others follow. Must not reject. */
  readonly parse: (code: CodeLocation, signal: AbortSignal, isOneOfMany: boolean) => Promise<ParseReply>;
  /** Further reasons to refuse a dag. */
  readonly findProblem?: FindDagProblem;
  /** Which dags belong to this bundle, where there are others. @default all */
  readonly claims?: DagClaims;
  /** Shared by processors whose bundles may define the same dags: what they save, they save one after the other. @default its own */
  readonly turn?: Turn;
  /** Hears of each pass over the bundle that failed; it is repeated by itself. */
  readonly onProblem?: (error: unknown) => void;
  /** Hears of each file whose reading changed something, after the sink has it. */
  readonly onChange?: (change: DagFilesChange) => void;
  /**
   * How often the folder is read although no change was noticed.
   * @default 30_000
   */
  readonly rescanMs?: number;
}

const RESCAN_MS = 30_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A file that takes this long to fail is not read again because another one has changed. */
const SLOW_READING_MS = 5_000;
/** What was saved is read a second time when it has not changed for this long. */
const COMPARE_AFTER_MS = 250;
const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 600_000;

/** A file that was read, and what came back. */
interface Reading {
  readonly file: string;
  readonly reason: ReadingReason;
  readonly scan: BundleScan;
  readonly reply: ParseReply;
  readonly parseMs: number;
}

/** The dag processor of one bundle, from its first scan until it is stopped. */
export class DagProcessor {
  readonly #options: DagProcessorOptions;
  readonly #log: Log;
  readonly #source: BundleSource;
  readonly #files: DagFiles;
  readonly #queue: ParseQueue;
  readonly #saves: SaveQueue<Reading>;
  readonly #changes: ChangeSignal;
  readonly #watcher: FolderWatcher;
  readonly #stopping = new AbortController();
  readonly #failures = new Map<string, number>();
  /** Readings that gave another version of a dag, until a second reading has shown that it gives the same one again. */
  readonly #toCompare = new Map<string, SuccessfulReading>();
  /** By file that is to be compared: when that begins. */
  readonly #comparisons = new Map<string, Timer>();
  /** By file that is being read: the content hash that is read. */
  readonly #reading = new Map<string, string | undefined>();
  readonly #settled: (() => void)[] = [];
  readonly #loop: Promise<void>;
  readonly #turn: Turn;
  #latest: BundleScan | undefined;
  #isWaiting = false;
  #pausing = 0;
  #hasSettled = false;

  /** Begins at once. */
  constructor(options: DagProcessorOptions) {
    this.#options = options;
    this.#log = options.log.named('dag-processor');
    this.#source = options.source;
    this.#turn = options.turn ?? new Turn();
    this.#files = new DagFiles(options.sink, options.claims ?? new BundleOwners().add('dags'));
    this.#queue = new ParseQueue(options.clock, {
      read: (...reading) => this.#read(...reading),
      onIdle: () => this.#announceSettled(),
    });
    this.#saves = new SaveQueue({
      turn: this.#turn,
      clock: options.clock,
      save: (readings) => this.#saveAll(readings),
      onIdle: () => this.#announceSettled(),
    });
    this.#changes = new ChangeSignal(options.clock);
    this.#watcher = createFolderWatcher(() => this.#changes.notify(), this.#log);
    this.#loop = this.#run();
  }

  /** Whether everything that is known to have changed is saved. */
  get isSettled(): boolean {
    const isReading = this.#pausing > 0 || this.#comparisons.size > 0 || !this.#queue.isIdle || !this.#saves.isIdle;
    return this.#isWaiting && !this.#changes.isPending && !isReading;
  }

  /** Resolves when everything that is known to have changed is saved: after the first time, the dags of the folder are all there. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.push(resolve);
      this.#announceSettled();
    });
  }

  /** Looks for changes at once, in a repository, too. */
  rescan(): void {
    this.#source.refresh();
    this.#changes.notify();
  }

  /** Reads files again although they have not changed: these, or all. Those that are not there are left out. */
  reread(files?: readonly string[]): void {
    const known = this.#latest?.files ?? new Map<string, string>();
    const wanted = files ?? [...known.keys()].filter(isDagFile);
    const there = wanted.filter((file) => known.has(file));
    this.#queue.addAll(there, 'changed');
  }

  /** Takes away stored bundle versions that nobody needs; `keep` names those that runs may still need. */
  prune(keep: ReadonlySet<string>): Promise<PrunedVersions> {
    return this.#source.prune(new Set([...keep, ...(this.#latest === undefined ? [] : [this.#latest.version.bundleVersion])]));
  }

  /** Ends the loop and every process that reads a file, and waits until they are gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#source.stop();
    this.#watcher.close();
    for (const timer of this.#comparisons.values()) timer.cancel();
    await this.#queue.stop();
    await this.#saves.stop();
    await this.#loop;
    await this.#turn.over;
    this.#changes.close();
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let pauseMs = FIRST_PAUSE_MS;
    await this.#loadKnownFiles();
    while (!signal.aborted) {
      try {
        await this.#pass();
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        if (signal.aborted) return;
        this.#log.error('the dag files could not be read', { problem: messageOf(error), nextTryInMs: pauseMs });
        this.#options.onProblem?.(error);
        await sleep(this.#options.clock, pauseMs, signal);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        continue;
      }
      await this.#waitForChange();
    }
  }

  async #pass(): Promise<void> {
    this.#changes.take();
    const scan = await this.#source.scan();
    this.#latest = scan;
    if (this.#source.isLive) this.#watcher.moveTo(scan.version.bundleFolder);
    const plan = planReading(scan, this.#files.memory, this.#options.clock.now());
    // Begun before what is read can be saved, and while it is read.
    const noted = this.#turn.run(async () => {
      await this.#remove(plan.removed);
      for (const { path: file, reason } of plan.unreadable) await this.#refuse(file, scan, reason);
      await this.#files.move(plan.unchanged, scan);
    });
    const unread = plan.changed.filter((file) => this.#reading.get(file) !== scan.files.get(file));
    this.#queue.addAll(unread, 'changed');
    this.#queue.addAll(plan.retried, 'retried');
    await noted;
  }

  async #waitForChange(): Promise<void> {
    this.#isWaiting = true;
    this.#announceSettled();
    await this.#changes.wait(this.#options.rescanMs ?? RESCAN_MS, this.#stopping.signal);
    this.#isWaiting = false;
  }

  async #loadKnownFiles(): Promise<void> {
    const { signal } = this.#stopping;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.#files.load();
        return;
      } catch (error) {
        this.#log.error('the known dag files could not be loaded', { problem: messageOf(error), nextTryInMs: pauseMs });
        await sleep(this.#options.clock, pauseMs, signal);
      }
    }
  }

  async #remove(files: readonly string[]): Promise<void> {
    const { changes, toRead } = await this.#files.remove(files);
    for (const file of files) this.#queue.drop(file);
    for (const file of toRead) this.#queue.add(file, 'retried');
    for (const change of changes) this.#announce(change);
  }

  /** A file that cannot be part of the bundle is an import error, and not gone. */
  async #refuse(file: string, scan: BundleScan, reason: string): Promise<void> {
    const known = this.#files.memory.get(file);
    if (known?.failure !== undefined && known.contentHash === undefined) return;
    const error = { file, message: `the file ${reason}` };
    this.#announce(await this.#files.fail({ file, scan, error, retryAt: Number.POSITIVE_INFINITY, isSlow: false }));
  }

  async #read(file: string, reason: ReadingReason, isOneOfMany: boolean): Promise<void> {
    const { clock, parse } = this.#options;
    const { signal } = this.#stopping;
    const scan = this.#latest;
    if (scan?.files.has(file) !== true) return;
    this.#reading.set(file, scan.files.get(file));
    const startedMs = clock.monotonicMs();
    const reply = await parse({ ...scan.version, file }, signal, isOneOfMany);
    if (!signal.aborted) await this.#saves.add({ file, reason, scan, reply, parseMs: clock.monotonicMs() - startedMs }, isOneOfMany);
  }

  /** Saves readings together, or each by itself where that fails: one of them may be the reason. What cannot be saved is read again later. */
  async #saveAll(readings: readonly Reading[]): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    try {
      await this.#saveTogether(readings);
    } catch (error) {
      const [{ file, reason } = { file: '', reason: 'changed' as const }, ...others] = readings;
      if (others.length > 0) for (const reading of readings) await this.#saveAll([reading]);
      else this.#readLater(file, reason, error);
    }
    for (const { file, scan } of readings) if (this.#reading.get(file) === scan.files.get(file)) this.#reading.delete(file);
  }

  #readLater(file: string, reason: ReadingReason, error: unknown): void {
    const { clock } = this.#options;
    this.#log.error('what was read of a dag file could not be saved', { file, problem: messageOf(error), nextTryInMs: FIRST_PAUSE_MS });
    this.#pausing += 1;
    void sleep(clock, FIRST_PAUSE_MS, this.#stopping.signal).then(() => {
      this.#pausing -= 1;
      this.#queue.add(file, reason);
    });
  }

  async #saveTogether(readings: readonly Reading[]): Promise<void> {
    const successes: SuccessfulReading[] = [];
    for (const reading of readings) successes.push(...(await this.#judge(reading)));
    const compared = new Set(successes.filter((reading) => this.#deservesComparison(reading)));
    await this.#files.succeed(successes, ({ reading, change, toRead }) => {
      const { file, dags, parseMs, warnings } = reading;
      this.#log.debug('dag file read', { file, dags: dags.length, parseMs: Math.round(parseMs), warnings: warnings.length });
      for (const other of toRead) this.#queue.add(other, 'retried');
      if (compared.has(reading)) {
        this.#compareSoon(reading);
      }
      this.#announce(change);
    });
  }

  /** Whether a second reading is to show that the file defines the same dags each time. */
  #deservesComparison({ file, dags }: SuccessfulReading): boolean {
    return this.#files.memory.has(file) ? this.#files.isAnotherVersion(file, dags) : this.#hasSettled;
  }

  /** What is to be saved of a reading; nothing where it is an import error, which is recorded, or worth nothing. */
  async #judge(reading: Reading): Promise<readonly SuccessfulReading[]> {
    const { file, reason, scan, reply, parseMs } = reading;
    if (await this.#isOutdated(reading)) return [];
    const read = readReply(file, reply, this.#options.findProblem ?? (() => undefined));
    if (!read.ok) {
      this.#toCompare.delete(file);
      this.#log.warning('dag file has an import error', { file, problem: read.error.message });
      const retry = this.#planRetry(file, parseMs);
      this.#announce(await this.#files.fail({ file, scan, error: read.error, ...retry }));
      // What was wrong may have been put right in another file meanwhile.
      if (!retry.isSlow && this.#latest?.version.bundleVersion !== scan.version.bundleVersion) this.#queue.add(file, 'retried');
      return [];
    }
    if (reason === 'compared') {
      await this.#compare(file, read.dags);
      return [];
    }
    this.#failures.delete(file);
    return [{ file, scan: this.#latest ?? scan, parseMs, dags: read.dags, files: read.files, warnings: read.warnings }];
  }

  /** Whether the file, or one that it imports, has changed since it was read: then it is read again, and a half-written file is never saved. */
  async #isOutdated({ file, scan, reply }: Reading): Promise<boolean> {
    if ((await this.#source.hashNow(file)) !== scan.files.get(file)) {
      this.#changes.notify();
      return true;
    }
    const latest = this.#latest ?? scan;
    const imported = reply.type === 'parsed' ? reply.files : [];
    if (imported.every((dependency) => latest.files.get(dependency) === scan.files.get(dependency))) return false;
    this.#queue.add(file, 'changed');
    return true;
  }

  /** Whoever saves a file often saves it again: that reading must not wait for this one. Somebody who waits for all is not kept waiting. */
  #compareSoon(reading: SuccessfulReading): void {
    const { file } = reading;
    this.#toCompare.set(file, reading);
    this.#comparisons.get(file)?.cancel();
    const timer = this.#options.clock.setTimer(this.#settled.length > 0 ? 0 : COMPARE_AFTER_MS, () => {
      this.#comparisons.delete(file);
      this.#queue.add(file, 'compared');
    });
    this.#comparisons.set(file, timer);
  }

  /** Two readings of the same content must give the same dags (fault G7); the versions of a dag would grow without end. */
  async #compare(file: string, dags: readonly ParsedDag[]): Promise<void> {
    const first = this.#toCompare.get(file);
    this.#toCompare.delete(file);
    if (first === undefined || haveSameDags(first.dags, dags)) return;
    const warning =
      'the file defines other dags each time it is read, though nothing in it has changed: take what is random, the time of day and what ' +
      'comes from elsewhere out of the definition';
    this.#log.warning(warning, { file });
    await this.#files.succeed([{ ...first, warnings: [...first.warnings, warning] }], () => {});
  }

  #planRetry(file: string, parseMs: number): { retryAt: number; isSlow: boolean } {
    const failures = (this.#failures.get(file) ?? 0) + 1;
    this.#failures.set(file, failures);
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
    return { retryAt: this.#options.clock.now() + delayMs, isSlow: parseMs > SLOW_READING_MS };
  }

  #announce(change: DagFilesChange): void {
    if (change.changedDags.length === 0 && change.removedDags.length === 0 && change.error === undefined) return;
    try {
      this.#options.onChange?.(change);
    } catch (error) {
      this.#log.error('a listener to changes of dags failed', { problem: messageOf(error) });
    }
  }

  #announceSettled(): void {
    if (!this.isSettled) return;
    this.#hasSettled = true;
    for (const resolve of this.#settled.splice(0)) resolve();
  }
}

function haveSameDags(some: readonly ParsedDag[], others: readonly ParsedDag[]): boolean {
  const key = (dags: readonly ParsedDag[]): string => JSON.stringify(dags.map(({ dag, serializedHash }) => [dag.dagId, serializedHash]));
  return key(some) === key(others);
}
