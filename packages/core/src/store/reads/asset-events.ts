import type { DagRunState, JsonValue } from '@tradewind/protocol';
import { sql, type SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import {
  all,
  always,
  column,
  equals,
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

/** An asset event with the runs that it started. Times are milliseconds since the epoch. */
export interface AssetEventSummary {
  readonly id: number;
  readonly eventKey: string;
  readonly assetId: number;
  readonly assetName: string;
  readonly assetUri: string;
  readonly assetGroup: string;
  readonly extra: JsonValue;
  readonly occurredAt: number;
  readonly sourceDagId: string | null;
  readonly sourceTaskId: string | null;
  readonly sourceRunId: string | null;
  readonly sourceMapIndex: number;
  /** Identity of the message that carried it, where it came from outside. */
  readonly message: { readonly id: string; readonly source: string; readonly type: string } | null;
  readonly createdRuns: readonly CreatedRun[];
}

/** A run that an asset event started. */
export interface CreatedRun {
  readonly dagId: string;
  readonly runId: string;
  readonly state: DagRunState;
  readonly runAfterAt: number;
  readonly logicalAt: number | null;
  readonly intervalStartAt: number | null;
  readonly intervalEndAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** What a list of asset events may be narrowed to. Everything left out does not narrow. */
export interface AssetEventFilter {
  readonly readable: ReadableDags;
  readonly eventKey?: string | undefined;
  readonly assetId?: number | undefined;
  readonly namePattern?: string | undefined;
  readonly namePrefixPattern?: string | undefined;
  readonly sourceDagId?: string | undefined;
  readonly sourceTaskId?: string | undefined;
  readonly sourceRunId?: string | undefined;
  readonly sourceMapIndex?: number | undefined;
  readonly timestamp?: Range | undefined;
  /** Events that started this run. */
  readonly dagRunId?: string | undefined;
}

/** What a list of asset events may be ordered by. */
export const ASSET_EVENT_ORDER = {
  source_task_id: sometimes(column('assetEvent.sourceTaskId')),
  source_dag_id: sometimes(column('assetEvent.sourceDagId')),
  source_run_id: sometimes(column('assetEvent.sourceRunId')),
  source_map_index: always(column('assetEvent.sourceMapIndex')),
  timestamp: always(column('assetEvent.occurredAt')),
} as const;

/**
 * Lists asset events, a page at a time, in three queries however long the page is. A caller who may not read every dag sees events that a dag
 * of his emitted or was started by.
 */
export async function listAssetEvents(
  database: Database,
  filter: AssetEventFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<AssetEventSummary>> {
  const wanted = conditionOf(filter);
  const [rows, counted] = await Promise.all([
    selectEvents(database)
      .where(wanted)
      .orderBy(orderedBy(orderBy, ASSET_EVENT_ORDER, 'assetEvent.id'))
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    database.reads
      .selectFrom('assetEvent')
      .innerJoin('asset', 'asset.id', 'assetEvent.assetId')
      .select(sql<number>`count(*)`.as('total'))
      .where(wanted)
      .executeTakeFirst(),
  ]);
  const runs = await listCreatedRuns(
    database,
    rows.map((row) => row.eventKey),
    filter.readable,
  );
  return {
    total: counted?.total ?? 0,
    rows: rows.map(({ messageEventId, messageSource, messageType, extra, ...event }) => ({
      ...event,
      extra: JSON.parse(extra) as JsonValue,
      message:
        messageEventId === null || messageSource === null || messageType === null
          ? null
          : { id: messageEventId, source: messageSource, type: messageType },
      createdRuns: runs.filter((run) => run.eventKey === event.eventKey),
    })),
  };
}

function selectEvents(database: Database) {
  return database.reads
    .selectFrom('assetEvent')
    .innerJoin('asset', 'asset.id', 'assetEvent.assetId')
    .leftJoin('inbox', 'inbox.id', 'assetEvent.inboxId')
    .select([
      'assetEvent.id',
      'assetEvent.eventKey',
      'assetEvent.assetId',
      'asset.name as assetName',
      'asset.uri as assetUri',
      'asset.assetGroup',
      'assetEvent.extra',
      'assetEvent.occurredAt',
      'assetEvent.sourceDagId',
      'assetEvent.sourceTaskId',
      'assetEvent.sourceRunId',
      'assetEvent.sourceMapIndex',
      'inbox.eventId as messageEventId',
      'inbox.eventSource as messageSource',
      'inbox.eventType as messageType',
    ]);
}

async function listCreatedRuns(database: Database, eventKeys: readonly string[], readable: ReadableDags) {
  if (eventKeys.length === 0) return [];
  return database.reads
    .selectFrom('dagRunAssetEvent')
    .innerJoin('dagRun', 'dagRun.id', 'dagRunAssetEvent.dagRunId')
    .select([
      'dagRunAssetEvent.eventKey',
      'dagRun.dagId',
      'dagRun.runId',
      'dagRun.state',
      'dagRun.runAfterAt',
      'dagRun.logicalAt',
      'dagRun.intervalStartAt',
      'dagRun.intervalEndAt',
      'dagRun.startedAt',
      'dagRun.endedAt',
    ])
    .where('dagRunAssetEvent.eventKey', 'in', eventKeys)
    .where(all([isReadable('dagRun.dagId', readable)]))
    .orderBy('dagRun.id')
    .execute();
}

function conditionOf(filter: AssetEventFilter): Condition {
  return all([
    isVisible(filter.readable),
    equals('assetEvent.eventKey', filter.eventKey),
    equals('assetEvent.assetId', filter.assetId),
    matchesPattern(column('asset.name'), filter.namePattern),
    startsWith(column('asset.name'), filter.namePrefixPattern),
    equals('assetEvent.sourceDagId', filter.sourceDagId),
    equals('assetEvent.sourceTaskId', filter.sourceTaskId),
    equals('assetEvent.sourceRunId', filter.sourceRunId),
    equals('assetEvent.sourceMapIndex', filter.sourceMapIndex),
    isWithin(column('assetEvent.occurredAt'), filter.timestamp),
    filter.dagRunId === undefined
      ? undefined
      : sql<SqlBool>`exists (
          select 1 from dag_run_asset_event as link
          where link.event_key = ${column('assetEvent.eventKey')} and link.dag_run_id = ${filter.dagRunId})`,
  ]);
}

function isVisible(readable: ReadableDags): Condition | undefined {
  if (readable === 'all') return undefined;
  const scheduled = sql`exists (
    select 1 from dag_schedule_asset where ${column('dagScheduleAsset.assetId')} = ${column('assetEvent.assetId')}
      and ${all([isReadable('dagScheduleAsset.dagId', readable)])})`;
  return sql<SqlBool>`(${all([isReadable('assetEvent.sourceDagId', readable)])} or ${scheduled})`;
}
