import type { DagRunState, JsonObject } from '@tradewind/protocol';
import { sql } from 'kysely';
import type { ReprocessBehavior } from '../../model/backfill/backfill.ts';
import type { Database } from '../database.ts';
import {
  all,
  always,
  column,
  countRows,
  equals,
  isReadable,
  isWithin,
  orderedBy,
  type Condition,
  type Listed,
  type OrderBy,
  type Page,
  type ReadableDags,
} from './query-parts.ts';

/** A backfill as lists show it. Times are milliseconds since the epoch. */
export interface BackfillSummary {
  readonly id: number;
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly conf: JsonObject | null;
  readonly isPaused: boolean;
  readonly reprocessBehavior: ReprocessBehavior;
  readonly maxActiveRuns: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly completedAt: number | null;
}

/** What a list of backfills may be narrowed to. */
export interface BackfillFilter {
  readonly readable: ReadableDags;
  readonly dagId?: string | undefined;
}

/** What a list of backfills may be ordered by. */
export const BACKFILL_ORDER = { id: always(column('backfill.id')) } as const;

/** Lists backfills, a page at a time. */
export async function listBackfills(
  database: Database,
  filter: BackfillFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<BackfillSummary>> {
  const wanted: Condition = all([isReadable('backfill.dagId', filter.readable), equals('backfill.dagId', filter.dagId)]);
  const [rows, total] = await Promise.all([
    selectSummaries(database)
      .where(wanted)
      .orderBy(orderedBy(orderBy, BACKFILL_ORDER, 'backfill.id'))
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    countRows(database, sql`backfill`, wanted),
  ]);
  return { rows: rows.map(toSummary), total };
}

/** One backfill of a dag that the caller may read. */
export async function findBackfill(database: Database, id: number, readable: ReadableDags): Promise<BackfillSummary | undefined> {
  const row = await selectSummaries(database)
    .where(all([equals('backfill.id', id), isReadable('backfill.dagId', readable)]))
    .executeTakeFirst();
  return row === undefined ? undefined : toSummary(row);
}

/** Whether a dag has a backfill that is not completed. */
export async function hasActiveBackfill(database: Database, dagId: string): Promise<boolean> {
  const row = await database.reads
    .selectFrom('backfill')
    .select('id')
    .where('dagId', '=', dagId)
    .where('completedAt', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** The state of each run of a dag that has a logical date within these bounds, both included, by that date. */
export async function readRunStates(
  database: Database,
  dagId: string,
  { fromAt, toAt }: { readonly fromAt: number; readonly toAt: number },
): Promise<ReadonlyMap<number, DagRunState>> {
  const rows = await database.reads
    .selectFrom('dagRun')
    .select(['logicalAt', 'state'])
    .where('dagId', '=', dagId)
    .where(all([isWithin(column('dagRun.logicalAt'), { gte: fromAt, lte: toAt })]))
    .execute();
  return new Map(rows.flatMap(({ logicalAt, state }) => (logicalAt === null ? [] : [[logicalAt, state] as const])));
}

function selectSummaries(database: Database) {
  return database.reads
    .selectFrom('backfill')
    .leftJoin('dag', 'dag.dagId', 'backfill.dagId')
    .select([
      'backfill.id',
      'backfill.dagId',
      'backfill.fromAt',
      'backfill.toAt',
      'backfill.conf',
      'backfill.isPaused',
      'backfill.reprocessBehavior',
      'backfill.maxActiveRuns',
      'backfill.createdAt',
      'backfill.updatedAt',
      'backfill.completedAt',
      'dag.displayName',
    ]);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary({ displayName, conf, isPaused, ...row }: SummaryRow): BackfillSummary {
  return {
    ...row,
    conf: conf === null ? null : (JSON.parse(conf) as JsonObject),
    isPaused: isPaused === 1,
    dagDisplayName: displayName ?? row.dagId,
  };
}
