import type { ParseFailure } from '@tradewind/protocol';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { wakeOthers, type Database } from './database.ts';
import { readKnownFiles, type KnownDagFile } from './reads/known-dag-files.ts';
import { saveParsedFile, type ParsedDagFile } from './save-parsed-file.ts';
import { moveDagFiles } from './transitions/move-dag-files.ts';
import { forgetDagFiles, recordImportError } from './transitions/record-dag-file.ts';
import { refreshSubscriptions, selectScheduleAssets } from './transitions/save-dag-assets.ts';
import { markDagsStale } from './transitions/save-dags.ts';

/** A dag file that could not be read. */
interface FailedDagFile {
  readonly file: string;
  /** Undefined where not even its content could be read. */
  readonly contentHash: string | undefined;
  readonly error: ParseFailure;
}

/** Where the dag processor keeps what it reads. Each call is one transaction and may be repeated. */
export interface StoredDagFiles {
  loadKnownFiles(): Promise<readonly KnownDagFile[]>;
  saveParsedFile(parsed: ParsedDagFile): Promise<void>;
  saveImportError(failed: FailedDagFile): Promise<void>;
  moveFiles(files: readonly string[], version: { readonly bundleVersion: string }): Promise<void>;
  removeFiles(files: readonly string[]): Promise<void>;
}

/** What the sink needs. */
export interface DagFileSinkParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** The dag processor's sink on the store: it keeps dags, their versions, assets, watchers, subscriptions, import errors and the files. */
export function createDagFileSink({ database, clock, random }: DagFileSinkParts): StoredDagFiles {
  return {
    loadKnownFiles: () => readKnownFiles(database),
    async saveParsedFile(parsed) {
      await saveParsedFile(database, parsed, { now: clock.now(), newId: () => random.uuid() });
    },
    async saveImportError(failed) {
      await database.batch(recordImportError(failed, clock.now()));
    },
    async moveFiles(files, { bundleVersion }) {
      await database.batch([moveDagFiles(files, bundleVersion), wakeOthers]);
    },
    async removeFiles(files) {
      const [assets] = await database.batch([selectScheduleAssets(files, [])]);
      const names = assets.map(({ name }) => name);
      await database.batch([markDagsStale(files, []), ...forgetDagFiles(files), ...refreshSubscriptions(names, clock.now()), wakeOthers]);
    },
  };
}
