/** Dags, their versions, schedules and backfills. */
import type { DagRunTriggeredBy } from '@tradewind/protocol';
import type { Generated } from 'kysely';
import type { BackfillExceptionReason, ReprocessBehavior } from '../../model/backfill/backfill.ts';

export interface DagTable {
  dagId: string;
  /** As model/bundle-file.ts names it. */
  file: string;
  bundleName: Generated<string>;
  isPaused: number;
  /** 1 when no file defines it any more. */
  isStale: number;
  dagVersionId: string;
  bundleVersion: string;
  displayName: string | null;
  description: string | null;
  owner: string | null;
  /** JSON list of text. */
  tags: string;
  /** JSON of the protocol's SerializedSchedule. */
  schedule: string;
  scheduleSummary: string | null;
  catchup: number;
  maxActiveRuns: number;
  maxActiveTasks: number;
  /** When the next scheduled run is due; null where no clock starts the dag. */
  nextRunAt: number | null;
  /** When a scheduler noticed that it was stale. */
  staleAt: number | null;
  parsedAt: number;
  parseMs: number;
  createdAt: number;
}

export interface DagVersionTable {
  id: string;
  dagId: string;
  versionNumber: number;
  contentHash: string;
  bundleName: Generated<string>;
  bundleVersion: string;
  /** The file that defines it, as model/bundle-file.ts names it. */
  file: Generated<string>;
  /** JSON of the protocol's SerializedDag. */
  serialized: string;
  createdAt: number;
  /** JSON list of the protocol's SerializedDeadline, computed by the database; null where there are none. */
  deadlines: string | null;
}

export interface DagFileTable {
  path: string;
  contentHash: string;
  /** JSON record: path → content hash of each bundle file that it imports. */
  dependencies: string;
  /** JSON list of text: what is odd about the file and does not keep its dags from running. */
  warnings: string;
  parsedAt: number;
}

export interface ImportErrorTable {
  id: Generated<number>;
  path: string;
  message: string;
  line: number | null;
  columnNumber: number | null;
  excerpt: string | null;
  stack: string | null;
  createdAt: number;
}

/** Runs of a dag for a stretch of the past. */
export interface BackfillTable {
  id: Generated<number>;
  /** Names it before it has its id, so that its dates are added in the same transaction. */
  requestId: string;
  dagId: string;
  fromAt: number;
  toAt: number;
  /** JSON object; null where none was given. */
  conf: string | null;
  isPaused: number;
  /** 1 where the latest date comes first. */
  isBackwards: number;
  reprocessBehavior: ReprocessBehavior;
  maxActiveRuns: number;
  /** 0 where its runs are on the version that the dag had when it was created. */
  runOnLatestVersion: number;
  dagVersionId: string;
  bundleVersion: string;
  triggeredBy: DagRunTriggeredBy;
  triggeringUser: string | null;
  createdAt: number;
  updatedAt: number;
  /** When its last run ended, or it was cancelled. */
  completedAt: number | null;
}

/** A date of a backfill, and what became of it: nothing so far, a run, or the reason why there is none. */
export interface BackfillDagRunTable {
  backfillId: number;
  /** From 1, in the order in which the runs are made. */
  sortOrdinal: number;
  logicalAt: number;
  intervalStartAt: number;
  intervalEndAt: number;
  runAfterAt: number;
  dagRunId: string | null;
  exceptionReason: BackfillExceptionReason | null;
}

/** What the code of a timetable answered when it was asked last. */
export interface TimetableStockTable {
  dagId: string;
  /** The version of the code that was asked. */
  bundleVersion: string;
  /** JSON list of the model's NextRun, the earliest first. */
  runs: string;
  /** 1 where no run follows the last one. */
  isExhausted: number;
  /** Why there is no answer; null where there is one. */
  problem: string | null;
  evaluatedAt: number;
}
