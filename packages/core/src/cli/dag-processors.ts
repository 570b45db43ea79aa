/** The dag processors of an environment, one for each of its bundles, as one. */
import { existsSync } from 'node:fs';
import type { CodeLocation, ParseFailure, ParseReply } from '@tradewind/protocol';
import { BundleOwners } from '../dag-processor/bundle-owners.ts';
import { localStoreFolder, type BundlePlaces } from '../dag-processor/bundle-folders.ts';
import { BundleScanner, type BundleSource } from '../dag-processor/bundle-scanner.ts';
import type { DagFilesChange } from '../dag-processor/dag-files.ts';
import { DagProcessor } from '../dag-processor/dag-processor.ts';
import { GitBundle } from '../dag-processor/git-bundle.ts';
import type { FindDagProblem } from '../dag-processor/read-reply.ts';
import { Turn } from '../dag-processor/turn.ts';
import { DEFAULT_BUNDLE, readBundleFile, writeBundleFile } from '../model/bundle-file.ts';
import type { BundleConfig } from '../platform/bundle-config.ts';
import type { Clock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import { createDagFileSink, forgetOtherBundles, type Bundle } from '../store/dag-file-sink.ts';
import type { Database } from '../store/database.ts';

/** What the dag processors of an environment need. */
export interface DagProcessorsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly parse: (code: CodeLocation, signal: AbortSignal, isOneOfMany: boolean) => Promise<ParseReply>;
  readonly findProblem: FindDagProblem;
  /** Hears of each file whose reading changed something; files are named as model/bundle-file.ts does. */
  readonly onChange?: (change: DagFilesChange) => void;
  /** Hears of each bundle that could not be looked at; that is tried again by itself. */
  readonly onProblem?: (bundleName: string, error: unknown) => void;
}

/** The dag processors of an environment, running. */
export interface DagProcessors {
  /** Resolves when what is known to have changed is saved in every bundle that can be looked at. */
  settled(): Promise<void>;
  /** Reads files again, all or these, named as model/bundle-file.ts does; resolves when they are saved. */
  reread(files?: readonly string[]): Promise<void>;
  /** Takes away stored bundle versions that nobody needs; `keep` names those that runs may still need. */
  prune(keep: ReadonlySet<string>): Promise<void>;
  stop(): Promise<void>;
}

/** Folders, and repositories between two fetches, are looked at this often although nothing was noticed. */
const RESCAN_MS = 30_000;

interface Member {
  readonly bundle: Bundle;
  readonly processor: DagProcessor;
  readonly failed: Failure;
}

/** That a bundle could not be looked at. */
interface Failure {
  /** Resolves the first time. */
  readonly promise: Promise<void>;
  /** What was said last. */
  problem: string | undefined;
}

/** Starts them. What is known of bundles that are not configured any more is forgotten first. */
export async function startDagProcessors(config: EnvironmentConfig, parts: DagProcessorsParts): Promise<DagProcessors> {
  const sources = sourcesOf(config, parts);
  const bundles = sources.map(({ bundle }) => bundle);
  const forgotten = await forgetOtherBundles(parts.database, bundles, parts.clock.now());
  if (forgotten.length > 0) parts.log.info('files of bundles that are not configured any more are forgotten', { files: forgotten });
  const shared = { owners: new BundleOwners(), turn: new Turn() };
  const members = sources.map((each) => startMember(each, parts, shared));
  const settled = async (): Promise<void> => {
    // What one bundle defines may have a file of another read again, when that one had settled already.
    do await Promise.all(members.map(({ processor, failed }) => Promise.race([processor.settled(), failed.promise])));
    while (members.some(({ processor, failed }) => !processor.isSettled && failed.problem === undefined));
  };
  return {
    settled,
    async reread(files) {
      for (const { bundle, processor } of members) {
        processor.rescan();
        processor.reread(files?.map(readBundleFile).flatMap(({ bundleName, file }) => (bundleName === bundle.bundleName ? [file] : [])));
      }
      await settled();
    },
    async prune(keep) {
      for (const { processor } of members) await processor.prune(keep);
    },
    async stop() {
      await Promise.all(members.map(({ processor }) => processor.stop()));
    },
  };
}

/** Where the code of the environment's bundles is found. */
export function bundlePlaces({ stateFolder, dagsFolder, bundles }: EnvironmentConfig): BundlePlaces {
  const local = bundles.flatMap((bundle) => (bundle.kind === 'local' ? [[bundle.name, bundle.folder] as const] : []));
  return { stateFolder, folders: new Map([[DEFAULT_BUNDLE, dagsFolder], ...local]) };
}

interface Source {
  readonly bundle: Bundle;
  readonly source: BundleSource;
  readonly rescanMs: number;
}

function sourcesOf(config: EnvironmentConfig, { clock, log }: DagProcessorsParts): readonly Source[] {
  const { stateFolder, bundles } = config;
  const local = (bundleName: string, bundleFolder: string): Source => ({
    bundle: { bundleName },
    source: new BundleScanner({ bundleFolder, stateFolder, clock, storeFolder: localStoreFolder(stateFolder, bundleName) }),
    rescanMs: RESCAN_MS,
  });
  const further = bundles.map((bundle: BundleConfig): Source => {
    if (bundle.kind === 'local') return local(bundle.name, bundle.folder);
    return {
      bundle: { bundleName: bundle.name, subfolder: bundle.subfolder },
      source: new GitBundle({ config: bundle, stateFolder, clock, log }),
      rescanMs: Math.min(RESCAN_MS, bundle.refreshSeconds * 1_000),
    };
  });
  // An environment whose dags come from elsewhere needs no folder of its own.
  const hasOwn = bundles.length === 0 || existsSync(config.dagsFolder);
  return [...(hasOwn ? [local(DEFAULT_BUNDLE, config.dagsFolder)] : []), ...further];
}

function startMember(
  { bundle, source, rescanMs }: Source,
  { database, clock, random, log, parse, findProblem, onChange, onProblem }: DagProcessorsParts,
  { owners, turn }: { readonly owners: BundleOwners; readonly turn: Turn },
): Member {
  const { promise, resolve } = Promise.withResolvers<void>();
  const failed: Failure = { promise, problem: undefined };
  const named = (file: string): string => writeBundleFile({ ...bundle, file });
  const processor: DagProcessor = new DagProcessor({
    source,
    sink: createDagFileSink({ database, clock, random, bundle }),
    clock,
    log,
    parse,
    findProblem,
    claims: owners.add(bundle.bundleName, (files) => processor.reread(files)),
    turn,
    rescanMs,
    onChange: ({ error, ...change }) =>
      onChange?.({ ...change, file: named(change.file), ...(error === undefined ? {} : { error: withBundle(bundle, error) }) }),
    onProblem: (error) => {
      const problem = messageOf(error);
      // It is tried again and again; said once, it is known.
      if (problem !== failed.problem) onProblem?.(bundle.bundleName, error);
      failed.problem = problem;
      resolve();
    },
  });
  return { bundle, processor, failed };
}

/** Whoever shows an import error takes its file for one of the environment's own folder; that of another bundle stands in the message. */
function withBundle({ bundleName }: Bundle, error: ParseFailure): ParseFailure {
  if (bundleName === DEFAULT_BUNDLE) return error;
  const { file, line, column, message, ...rest } = error;
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return { ...rest, message: `${place} of bundle "${bundleName}": ${message}` };
}
