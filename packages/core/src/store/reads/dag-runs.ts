import type { DagRunState, DagRunTriggeredBy, DagRunType, JsonObject } from '@tradewind/protocol';
import { sql, type SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import {
  all,
  always,
  column,
  countRows,
  equals,
  idsOfPage,
  isAnyOf,
  isReadable,
  isWithin,
  matchesPattern,
  orderedBy,
  sometimes,
  startsWith,
  type Condition,
  type Listed,
  type OrderBy,
  type Page,
  type Range,
  type ReadableDags,
} from './query-parts.ts';

/** The version of a dag that a run is on. */
export interface RunDagVersion {
  readonly id: string;
  readonly versionNumber: number;
  readonly bundleName: string;
  readonly bundleVersion: string;
  readonly createdAt: number;
}

/** A dag run as lists show it. Times are milliseconds since the epoch. */
export interface DagRunSummary {
  readonly id: string;
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly runId: string;
  readonly runType: DagRunType;
  readonly state: DagRunState;
  readonly triggeredBy: DagRunTriggeredBy;
  readonly triggeringUser: string | null;
  readonly conf: JsonObject;
  readonly note: string | null;
  readonly logicalAt: number | null;
  readonly intervalStartAt: number | null;
  readonly intervalEndAt: number | null;
  readonly runAfterAt: number;
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly lastScheduledAt: number | null;
  readonly bundleVersion: string;
  readonly dagVersion: RunDagVersion;
}

/** What a list of dag runs may be narrowed to. Everything left out does not narrow; an empty list of values counts as left out. */
export interface DagRunFilter {
  readonly readable: ReadableDags;
  readonly dagId?: string | undefined;
  readonly dagIdPattern?: string | undefined;
  readonly dagIdPrefixPattern?: string | undefined;
  readonly runIdPattern?: string | undefined;
  readonly runIdPrefixPattern?: string | undefined;
  readonly triggeringUserPattern?: string | undefined;
  readonly triggeringUserPrefixPattern?: string | undefined;
  readonly confContains?: string | undefined;
  readonly states?: readonly DagRunState[] | undefined;
  readonly runTypes?: readonly string[] | undefined;
  readonly dagVersionNumbers?: readonly number[] | undefined;
  readonly bundleVersion?: string | undefined;
  readonly runAfter?: Range | undefined;
  readonly logicalDate?: Range | undefined;
  readonly startDate?: Range | undefined;
  readonly endDate?: Range | undefined;
  /** In seconds. */
  readonly duration?: Range | undefined;
}

const DURATION_SECONDS = sql`((${column('dagRun.endedAt')} - ${column('dagRun.startedAt')}) / 1000.0)`;

/** What a list of dag runs may be ordered by. */
export const DAG_RUN_ORDER = {
  id: always(column('dagRun.id')),
  state: always(column('dagRun.state')),
  dag_id: always(column('dagRun.dagId')),
  run_id: always(column('dagRun.runId')),
  dag_run_id: always(column('dagRun.runId')),
  logical_date: sometimes(column('dagRun.logicalAt')),
  run_after: always(column('dagRun.runAfterAt')),
  start_date: sometimes(column('dagRun.startedAt')),
  end_date: sometimes(column('dagRun.endedAt')),
  duration: sometimes(DURATION_SECONDS),
  conf: always(column('dagRun.conf')),
} as const;

/** Lists dag runs, a page at a time. */
export async function listDagRuns(
  database: Database,
  filter: DagRunFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<DagRunSummary>> {
  const wanted = conditionOf(filter);
  const order = orderedBy(orderBy, DAG_RUN_ORDER, 'dagRun.id');
  const from = sql.table('dagRun');
  const ids = idsOfPage({ id: 'dagRun.id', from, wanted, order, page });
  const [rows, total] = await Promise.all([
    selectSummaries(database).where('dagRun.id', 'in', ids).orderBy(order).execute(),
    countRows(database, from, wanted),
  ]);
  return { rows: rows.map(toSummary), total };
}

/** One dag run, by the two ids that name it. */
export async function findDagRun(database: Database, dagId: string, runId: string): Promise<DagRunSummary | undefined> {
  const row = await selectSummaries(database).where('dagRun.dagId', '=', dagId).where('dagRun.runId', '=', runId).executeTakeFirst();
  return row === undefined ? undefined : toSummary(row);
}

/** A dag run as a chip in a list of dags. */
export interface RecentDagRun {
  readonly dagId: string;
  readonly runId: string;
  readonly state: DagRunState;
  readonly runAfterAt: number;
}

/**
 * The newest runs of each of some dags, newest first, in one query. It is one branch for each dag, because only so do both databases read the few
 * newest entries of the index and no more.
 */
export async function listRecentDagRuns(
  database: Database,
  dagIds: readonly string[],
  most: number,
): Promise<ReadonlyMap<string, readonly RecentDagRun[]>> {
  if (dagIds.length === 0) return new Map();
  const branches = dagIds.map(
    (dagId) => sql`
      select * from (
        select dag_id, run_id, state, run_after_at from dag_run where dag_id = ${dagId}
        order by run_after_at desc, id desc limit ${most}
      ) as newest`,
  );
  const { rows } = await sql<RecentDagRun>`${sql.join(branches, sql` union all `)}`.execute(database.reads);
  return Map.groupBy(rows, (row) => row.dagId);
}

function selectSummaries(database: Database) {
  return database.reads
    .selectFrom('dagRun')
    .innerJoin('dagVersion', 'dagVersion.id', 'dagRun.dagVersionId')
    .leftJoin('dag', 'dag.dagId', 'dagRun.dagId')
    .select([
      'dagRun.id',
      'dagRun.dagId',
      'dagRun.runId',
      'dagRun.runType',
      'dagRun.state',
      'dagRun.triggeredBy',
      'dagRun.triggeringUser',
      'dagRun.conf',
      'dagRun.note',
      'dagRun.logicalAt',
      'dagRun.intervalStartAt',
      'dagRun.intervalEndAt',
      'dagRun.runAfterAt',
      'dagRun.queuedAt',
      'dagRun.startedAt',
      'dagRun.endedAt',
      'dagRun.lastScheduledAt',
      'dagRun.bundleVersion',
      'dagRun.dagVersionId',
      'dagVersion.versionNumber',
      'dagVersion.bundleVersion as versionBundleVersion',
      'dagVersion.bundleName',
      'dagVersion.createdAt as versionCreatedAt',
      'dag.displayName',
    ]);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary(row: SummaryRow): DagRunSummary {
  const { dagVersionId, versionNumber, versionBundleVersion, bundleName, versionCreatedAt, displayName, ...run } = row;
  return {
    ...run,
    conf: JSON.parse(row.conf) as JsonObject,
    dagDisplayName: displayName ?? row.dagId,
    dagVersion: { id: dagVersionId, versionNumber, bundleName, bundleVersion: versionBundleVersion, createdAt: versionCreatedAt },
  };
}

function conditionOf(filter: DagRunFilter): Condition {
  return all([
    isReadable('dagRun.dagId', filter.readable),
    equals('dagRun.dagId', filter.dagId),
    matchesPattern(column('dagRun.dagId'), filter.dagIdPattern),
    startsWith(column('dagRun.dagId'), filter.dagIdPrefixPattern),
    matchesPattern(column('dagRun.runId'), filter.runIdPattern),
    startsWith(column('dagRun.runId'), filter.runIdPrefixPattern),
    matchesPattern(column('dagRun.triggeringUser'), filter.triggeringUserPattern),
    startsWith(column('dagRun.triggeringUser'), filter.triggeringUserPrefixPattern),
    matchesPattern(column('dagRun.conf'), filter.confContains),
    isAnyOf('dagRun.state', filter.states),
    isAnyOf('dagRun.runType', filter.runTypes),
    isOnVersion(filter.dagVersionNumbers),
    equals('dagRun.bundleVersion', filter.bundleVersion),
    isWithin(column('dagRun.runAfterAt'), filter.runAfter),
    isWithin(column('dagRun.logicalAt'), filter.logicalDate),
    isWithin(column('dagRun.startedAt'), filter.startDate),
    isWithin(column('dagRun.endedAt'), filter.endDate),
    isWithin(DURATION_SECONDS, filter.duration),
  ]);
}

/** Whether a run is on one of some versions of its dag. */
export function isOnVersion(numbers: readonly number[] | undefined): Condition | undefined {
  const isWanted = isAnyOf('dagVersion.versionNumber', numbers);
  if (isWanted === undefined) return undefined;
  return sql<SqlBool>`exists (select 1 from dag_version where ${column('dagVersion.id')} = ${column('dagRun.dagVersionId')} and ${isWanted})`;
}

/** How many runs of a dag have not ended. */
export async function countActiveRuns(database: Database, dagId: string): Promise<number> {
  const counted = await database.reads
    .selectFrom('dagRun')
    .select(sql<number>`count(*)`.as('runs'))
    .where('dagId', '=', dagId)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst();
  return counted?.runs ?? 0;
}
