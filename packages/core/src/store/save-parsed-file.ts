import { decodeJson, type SerializedDag } from '@tradewind/protocol';
import { decideDueAfterParse, type DagBeforeParse } from '../model/timetables/next-run-after-parse.ts';
import { wakeOthers, type Database, type Statement } from './database.ts';
import { rescheduleUntilApplied } from './reschedule.ts';
import { recordDagFile } from './transitions/record-dag-file.ts';
import { saveDagAssets, selectScheduleAssets } from './transitions/save-dag-assets.ts';
import {
  insertDags,
  insertDagVersions,
  markDagsStale,
  rescheduleDags,
  selectSavedDags,
  updateDags,
  type ReadDag,
  type RescheduledDag,
  type SavedDag,
} from './transitions/save-dags.ts';

/** A dag file that was read. Paths are relative to the bundle's folder. */
export interface ParsedDagFile {
  readonly file: string;
  /** sha256 of its content (hex). */
  readonly contentHash: string;
  /** By path: the content hash of each file of the bundle that it imports, itself included. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly version: { readonly bundleVersion: string };
  /** Each with the hash of its serialized form: another hash is another version of the dag. */
  readonly dags: readonly { readonly dag: SerializedDag; readonly serializedHash: string }[];
  readonly warnings: readonly string[];
  readonly parseMs: number;
}

/** What the reading of a file made of its dags. */
export interface SavedParsedFile {
  readonly newDags: readonly string[];
  /** On another version than before. */
  readonly changedDags: readonly string[];
  readonly unchangedDags: readonly string[];
  /** Defined by the file before and now by none. */
  readonly staleDags: readonly string[];
}

/** What a saving needs of its caller. */
export interface SavingParts {
  readonly now: number;
  /** Makes the ids of new dag versions. */
  readonly newId: () => string;
}

/**
 * Saves what was read of a file in one transaction: its dags and their versions, what they say of assets, and the file itself, without an
 * import error. Dags that the file does not define any more are stale. May be repeated.
 *
 * @throws TradewindError `conflict` where the scheduler moved a dag's due time on at each of several attempts to change it
 */
export async function saveParsedFile(database: Database, parsed: ParsedDagFile, parts: SavingParts): Promise<SavedParsedFile> {
  const [saved] = await saveParsedFiles(database, [parsed], parts);
  return saved ?? { newDags: [], changedDags: [], unchangedDags: [], staleDags: [] };
}

/**
 * Saves several files as `saveParsedFile` does, in this order. On SQLite they are one transaction: a disk that has to remember each one remembers one, and the
 * environment waits for it once. PostgreSQL takes no batch of that many values, and whoever waits for it holds up nobody else. May be repeated; where it
 * rejects, some may be saved.
 * @returns what became of each, in the same order
 */
export async function saveParsedFiles(
  database: Database,
  files: readonly ParsedDagFile[],
  parts: SavingParts,
): Promise<readonly SavedParsedFile[]> {
  const transactions = database.dialect === 'sqlite' ? [files] : files.map((file) => [file]);
  const results: SavedParsedFile[] = [];
  for (const transaction of transactions) results.push(...(await saveTogether(database, transaction, parts)));
  return results;
}

async function saveTogether(database: Database, files: readonly ParsedDagFile[], parts: SavingParts): Promise<readonly SavedParsedFile[]> {
  const known = await readKnown(database, files);
  const savings = files.map((parsed, index) => prepareSaving(parsed, known[index] ?? NOTHING_KNOWN, parts));
  const rows = await database.batch([...savings.flatMap(({ statements }) => statements), wakeOthers]);
  let first = 0;
  const late: DueDag[] = [];
  const results = savings.map(({ dagIds, dags, rescheduled, statements }) => {
    const [versions = [], , inserted = [], applied = [], stale = []] = rows.slice(first, first + statements.length) as readonly DagRows[];
    first += statements.length;
    const lateIds = new Set(rescheduled.map(({ dagId }) => dagId)).difference(new Set(applied.map(({ dagId }) => dagId)));
    late.push(...dags.filter(({ dag }) => lateIds.has(dag.dagId)));
    return summarise(dagIds, { versions, inserted, stale });
  });
  await rescheduleUntilApplied(database, late, parts.now);
  return results;
}

/** What the database has of a file before it is saved. */
interface KnownOfFile {
  readonly saved: readonly SavedDag[];
  readonly assets: readonly { readonly name: string }[];
}

const NOTHING_KNOWN: KnownOfFile = { saved: [], assets: [] };

async function readKnown(database: Database, files: readonly ParsedDagFile[]): Promise<readonly KnownOfFile[]> {
  const questions = files.flatMap(({ file, dags }): Statement<unknown>[] => [
    selectSavedDags(dags),
    selectScheduleAssets(
      [file],
      dags.map(({ dag }) => dag.dagId),
    ),
  ]);
  const rows = await database.batch(questions);
  return files.map((_, index) => ({ saved: rows[2 * index], assets: rows[2 * index + 1] }) as KnownOfFile);
}

/** The statements that save a file; the first five return what became of its dags. */
interface Saving {
  readonly dagIds: readonly string[];
  readonly dags: readonly DueDag[];
  readonly rescheduled: readonly RescheduledDag[];
  readonly statements: readonly Statement<unknown>[];
}

function prepareSaving(parsed: ParsedDagFile, { saved: savedDags, assets }: KnownOfFile, { now, newId }: SavingParts): Saving {
  const { file, parseMs, version } = parsed;
  const dagIds = parsed.dags.map(({ dag }) => dag.dagId);
  const saved = new Map(savedDags.map((dag) => [dag.dagId, dag]));
  const dags = parsed.dags.map(({ dag, serializedHash }): DueDag => {
    const due = decideDueAfterParse(dag, beforeParse(saved.get(dag.dagId)), now);
    return { dag, serializedHash, newVersionId: newId(), nextRunAt: due.isKept ? null : due.nextRunAt, isRescheduled: !due.isKept };
  });
  const reading = { file, parseMs, bundleVersion: version.bundleVersion, dags };
  const rescheduled = dags.flatMap((dag) => asRescheduled(dag, saved.get(dag.dag.dagId)));
  const statements = [
    insertDagVersions(reading, now),
    updateDags(reading, now),
    insertDags(reading, now),
    rescheduleDags(rescheduled),
    markDagsStale([file], dagIds),
    ...saveDagAssets(
      dags.map(({ dag }) => dag),
      assets.map(({ name }) => name),
      now,
    ),
    ...recordDagFile(parsed, now),
  ];
  return { dagIds, dags, rescheduled, statements };
}

interface DueDag extends ReadDag {
  readonly isRescheduled: boolean;
}

function beforeParse(saved: SavedDag | undefined): DagBeforeParse | undefined {
  if (saved === undefined) return undefined;
  return {
    isStale: saved.isStale === 1,
    changedFrom: saved.serialized === null ? undefined : (decodeJson(saved.serialized) as unknown as SerializedDag),
    lastLogicalAt: saved.lastLogicalAt ?? undefined,
  };
}

function asRescheduled({ dag, isRescheduled, nextRunAt }: DueDag, saved: SavedDag | undefined): RescheduledDag[] {
  return saved === undefined || !isRescheduled ? [] : [{ dagId: dag.dagId, expectedNextRunAt: saved.nextRunAt, nextRunAt }];
}

type DagRows = readonly { readonly dagId: string }[];

function summarise(
  dagIds: readonly string[],
  { versions, inserted, stale }: { readonly versions: DagRows; readonly inserted: DagRows; readonly stale: DagRows },
): SavedParsedFile {
  const isNew = new Set(inserted.map(({ dagId }) => dagId));
  const hasNewVersion = new Set(versions.map(({ dagId }) => dagId));
  return {
    newDags: dagIds.filter((dagId) => isNew.has(dagId)),
    changedDags: dagIds.filter((dagId) => hasNewVersion.has(dagId) && !isNew.has(dagId)),
    unchangedDags: dagIds.filter((dagId) => !hasNewVersion.has(dagId)),
    staleDags: stale.map(({ dagId }) => dagId),
  };
}
