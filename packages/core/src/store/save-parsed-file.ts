import { decodeJson, type SerializedDag } from '@tradewind/protocol';
import { decideDueAfterParse, type DagBeforeParse } from '../model/timetables/next-run-after-parse.ts';
import { wakeOthers, type Database } from './database.ts';
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

/**
 * Saves what was read of a file in one transaction: its dags and their versions, what they say of assets, and the file itself, without an
 * import error. Dags that the file does not define any more are stale. May be repeated.
 *
 * @param newId makes the ids of new dag versions
 * @throws TradewindError `conflict` where the scheduler moved a dag's due time on at each of several attempts to change it
 */
export async function saveParsedFile(
  database: Database,
  parsed: ParsedDagFile,
  { now, newId }: { readonly now: number; readonly newId: () => string },
): Promise<SavedParsedFile> {
  const { file, parseMs, version } = parsed;
  const dagIds = parsed.dags.map(({ dag }) => dag.dagId);
  const [savedDags, assetsBefore] = await database.batch([selectSavedDags(parsed.dags), selectScheduleAssets([file], dagIds)]);
  const saved = new Map(savedDags.map((dag) => [dag.dagId, dag]));
  const dags = parsed.dags.map(({ dag, serializedHash }): DueDag => {
    const due = decideDueAfterParse(dag, beforeParse(saved.get(dag.dagId)), now);
    return { dag, serializedHash, newVersionId: newId(), nextRunAt: due.isKept ? null : due.nextRunAt, isRescheduled: !due.isKept };
  });
  const reading = { file, parseMs, bundleVersion: version.bundleVersion, dags };
  const rescheduled = dags.flatMap((dag) => asRescheduled(dag, saved.get(dag.dag.dagId)));
  const [versions, , inserted, applied, stale] = await database.batch([
    insertDagVersions(reading, now),
    updateDags(reading, now),
    insertDags(reading, now),
    rescheduleDags(rescheduled),
    markDagsStale([file], dagIds),
    ...saveDagAssets(
      dags.map(({ dag }) => dag),
      assetsBefore.map(({ name }) => name),
      now,
    ),
    ...recordDagFile(parsed, now),
    wakeOthers,
  ]);
  const late = new Set(rescheduled.map(({ dagId }) => dagId)).difference(new Set(applied.map(({ dagId }) => dagId)));
  await rescheduleUntilApplied(
    database,
    dags.filter(({ dag }) => late.has(dag.dagId)),
    now,
  );
  return summarise(dagIds, { versions, inserted, stale });
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
