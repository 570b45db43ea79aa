import type { ParseFailure } from '@tradewind/protocol';
import { DEFAULT_BUNDLE, readBundleFile, writeBundleFile, type BundleFile } from '../model/bundle-file.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { wakeOthers, type Database } from './database.ts';
import { readKnownFiles, type KnownDagFile } from './reads/known-dag-files.ts';
import { saveParsedFiles, type ParsedDagFile } from './save-parsed-file.ts';
import { moveDagFiles } from './transitions/move-dag-files.ts';
import { forgetDagFiles, recordImportError } from './transitions/record-dag-file.ts';
import { refreshSubscriptions } from './transitions/refresh-subscriptions.ts';
import { selectScheduleAssets } from './transitions/save-dag-assets.ts';
import { markDagsStale } from './transitions/save-dags.ts';

/** A dag file that could not be read. */
interface FailedDagFile {
  readonly file: string;
  /** Undefined where not even its content could be read. */
  readonly contentHash: string | undefined;
  readonly error: ParseFailure;
}

/** Where the dag processor keeps what it reads. Each call may be repeated, and is one transaction where it says nothing else. */
export interface StoredDagFiles {
  loadKnownFiles(): Promise<readonly KnownDagFile[]>;
  saveParsedFile(parsed: ParsedDagFile): Promise<void>;
  /** The same for several files, in this order and in as few transactions as the database takes; where it rejects, some may be saved. */
  saveParsedFiles(parsed: readonly ParsedDagFile[]): Promise<void>;
  saveImportError(failed: FailedDagFile): Promise<void>;
  moveFiles(files: readonly string[], version: { readonly bundleVersion: string }): Promise<void>;
  removeFiles(files: readonly string[]): Promise<void>;
}

/** What the sink needs. */
export interface DagFileSinkParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  /** Which bundle the files are of. @default the folder of dag files */
  readonly bundle?: Bundle;
}

/** A bundle, as its files are named after it. */
export type Bundle = Omit<BundleFile, 'file'>;

/** The dag processor's sink on the store: it keeps dags, their versions, assets, watchers, subscriptions, import errors and the files. */
export function createDagFileSink({ database, clock, random, bundle = { bundleName: DEFAULT_BUNDLE } }: DagFileSinkParts): StoredDagFiles {
  const named = (file: string): string => writeBundleFile({ ...bundle, file });
  const save = async (parsed: readonly ParsedDagFile[]): Promise<void> => {
    const files = parsed.map((one) => ({ ...one, file: named(one.file) }));
    await saveParsedFiles(database, files, { now: clock.now(), newId: () => random.uuid() });
  };
  return {
    loadKnownFiles: async () =>
      (await readKnownFiles(database)).flatMap((known) => {
        const { file, ...owner } = readBundleFile(known.file);
        return isSameBundle(owner, bundle) ? [{ ...known, file }] : [];
      }),
    saveParsedFile: (parsed) => save([parsed]),
    saveParsedFiles: save,
    async saveImportError({ file, contentHash, error }) {
      await database.batch(recordImportError({ file: named(file), contentHash, error: placed(error, file) }, clock.now()));
    },
    async moveFiles(files, { bundleVersion }) {
      await database.batch([moveDagFiles(files.map(named), bundleVersion), wakeOthers]);
    },
    removeFiles: (files) => removeFiles(database, files.map(named), clock.now()),
  };
}

/**
 * Takes away what is known of files that are of none of these bundles: they are not configured any more. Their dags are stale; runs go on.
 * @returns the names of the files, as model/bundle-file.ts writes them
 */
export async function forgetOtherBundles(database: Database, bundles: readonly Bundle[], now: number): Promise<readonly string[]> {
  const known = (await readKnownFiles(database)).map(({ file }) => file);
  const foreign = known.filter((file) => !bundles.some((bundle) => isSameBundle(readBundleFile(file), bundle)));
  if (foreign.length > 0) await removeFiles(database, foreign, now);
  return foreign;
}

async function removeFiles(database: Database, files: readonly string[], now: number): Promise<void> {
  const [assets] = await database.batch([selectScheduleAssets(files, [])]);
  const names = assets.map(({ name }) => name);
  await database.batch([markDagsStale(files, []), ...forgetDagFiles(files), ...refreshSubscriptions(names, now), wakeOthers]);
}

function isSameBundle(one: Bundle, other: Bundle): boolean {
  return one.bundleName === other.bundleName && one.subfolder === other.subfolder;
}

/** An error that lies in another file of the bundle says so; the place is that of the file that is read. */
function placed(error: ParseFailure, file: string): ParseFailure {
  const { file: place, ...rest } = error;
  return place === undefined || place === file ? rest : { ...rest, message: `in ${place}: ${error.message}` };
}
