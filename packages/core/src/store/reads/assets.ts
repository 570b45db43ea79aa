import type { JsonObject } from '@tradewind/protocol';
import { sql, type SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import { isUsed, SCHEDULED_ON } from '../scheduled-on.ts';
import {
  all,
  always,
  column,
  isReadable,
  matchesPattern,
  orderedBy,
  startsWith,
  type Column,
  type Condition,
  type Listed,
  type OrderBy,
  type Page,
  type ReadableDags,
} from './query-parts.ts';

/** An asset with everything in the dag files that refers to it. Times are milliseconds since the epoch. */
export interface AssetSummary {
  readonly id: number;
  readonly name: string;
  readonly uri: string;
  readonly group: string;
  readonly extra: JsonObject | null;
  /** CloudEvents type of its events where they leave the environment. */
  readonly eventType: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Dags that its events start. */
  readonly scheduledDags: readonly { readonly dagId: string }[];
  /** Tasks that emit its events. */
  readonly producingTasks: readonly { readonly dagId: string; readonly taskId: string }[];
  /** Tasks that read its events. */
  readonly consumingTasks: readonly { readonly dagId: string; readonly taskId: string }[];
  /** Aliases that stand for it. */
  readonly aliases: readonly AssetAliasSummary[];
  readonly lastEvent: { readonly id: number; readonly occurredAt: number } | null;
}

/** A name for assets that tasks choose while they run. */
export interface AssetAliasSummary {
  readonly id: number;
  readonly name: string;
}

/** What a list of assets may be narrowed to. Everything left out does not narrow. */
export interface AssetFilter {
  readonly readable: ReadableDags;
  readonly id?: number | undefined;
  readonly namePattern?: string | undefined;
  readonly namePrefixPattern?: string | undefined;
  readonly uriPattern?: string | undefined;
  readonly uriPrefixPattern?: string | undefined;
  /** Assets that one of these dags is scheduled on or emits. */
  readonly dagIds?: readonly string[] | undefined;
  /** Leaves out assets that no dag in any file refers to. */
  readonly onlyActive?: boolean | undefined;
}

/** What a list of assets may be ordered by. */
export const ASSET_ORDER = {
  id: always(column('asset.id')),
  name: always(column('asset.name')),
  uri: always(column('asset.uri')),
  created_at: always(column('asset.createdAt')),
  updated_at: always(column('asset.updatedAt')),
} as const;

/**
 * Lists assets, a page at a time, in six queries however long the page is. A caller who may not read every dag sees the assets of dags
 * that he may, and of what refers to them only those dags.
 */
export async function listAssets(
  database: Database,
  filter: AssetFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<AssetSummary>> {
  const wanted = conditionOf(filter);
  const [rows, counted] = await Promise.all([
    selectAssets(database)
      .where(wanted)
      .orderBy(orderedBy(orderBy, ASSET_ORDER, 'asset.id'))
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    database.reads
      .selectFrom('asset')
      .select(sql<number>`count(*)`.as('total'))
      .where(wanted)
      .executeTakeFirst(),
  ]);
  const ids = rows.map((row) => row.id);
  const [schedules, outlets, inlets, aliases] = await Promise.all([
    listSchedules(database, ids, filter.readable),
    listOutlets(database, ids, filter.readable),
    listInlets(database, ids, filter.readable),
    listAliasesOf(database, ids),
  ]);
  return {
    total: counted?.total ?? 0,
    rows: rows.map(({ extra, lastEventId, lastEventAt, ...asset }) => ({
      ...asset,
      extra: extra === null ? null : (JSON.parse(extra) as JsonObject),
      scheduledDags: schedules.filter((schedule) => schedule.assetId === asset.id),
      producingTasks: outlets.filter((outlet) => outlet.assetId === asset.id),
      consumingTasks: inlets.filter((inlet) => inlet.assetId === asset.id),
      aliases: aliases.filter((alias) => alias.assetId === asset.id),
      lastEvent: lastEventId === null || lastEventAt === null ? null : { id: lastEventId, occurredAt: lastEventAt },
    })),
  };
}

/** One asset, where the caller may read a dag that it belongs to. */
export async function findAsset(database: Database, id: number, readable: ReadableDags): Promise<AssetSummary | undefined> {
  const { rows } = await listAssets(database, { readable, id }, { limit: 1, offset: 0 });
  return rows[0];
}

function selectAssets(database: Database) {
  const newest = sql<number>`(select max(event.id) from asset_event as event where event.asset_id = ${column('asset.id')})`;
  return database.reads
    .selectFrom('asset')
    .leftJoin('assetEvent', (join) => join.on('assetEvent.id', '=', newest))
    .select([
      'asset.id',
      'asset.name',
      'asset.uri',
      'asset.assetGroup as group',
      'asset.extra',
      'asset.eventType',
      'asset.createdAt',
      'asset.updatedAt',
      'assetEvent.id as lastEventId',
      'assetEvent.occurredAt as lastEventAt',
    ]);
}

function listSchedules(database: Database, assetIds: readonly number[], readable: ReadableDags) {
  if (assetIds.length === 0) return Promise.resolve([]);
  return database.reads
    .selectFrom(sql<{ dagId: string; assetId: number }>`(${sql.raw(SCHEDULED_ON)})`.as('scheduled'))
    .innerJoin('dag', 'dag.dagId', 'scheduled.dagId')
    .where('dag.isStale', '=', 0)
    .select(['scheduled.assetId', 'scheduled.dagId'])
    .where('scheduled.assetId', 'in', assetIds)
    .where(all([isReadable('dag.dagId', readable)]))
    .orderBy('scheduled.dagId')
    .execute();
}

function listInlets(database: Database, assetIds: readonly number[], readable: ReadableDags) {
  if (assetIds.length === 0) return Promise.resolve([]);
  return database.reads
    .selectFrom('taskInletAsset')
    .innerJoin('dag', 'dag.dagId', 'taskInletAsset.dagId')
    .where('dag.isStale', '=', 0)
    .select(['taskInletAsset.assetId', 'taskInletAsset.dagId', 'taskInletAsset.taskId'])
    .where('taskInletAsset.assetId', 'in', assetIds)
    .where(all([isReadable('taskInletAsset.dagId', readable)]))
    .orderBy('taskInletAsset.dagId')
    .orderBy('taskInletAsset.taskId')
    .execute();
}

function listAliasesOf(database: Database, assetIds: readonly number[]) {
  if (assetIds.length === 0) return Promise.resolve([]);
  return database.reads
    .selectFrom('assetAliasAsset')
    .innerJoin('assetAlias', 'assetAlias.id', 'assetAliasAsset.assetAliasId')
    .select(['assetAliasAsset.assetId', 'assetAlias.id', 'assetAlias.name'])
    .where('assetAliasAsset.assetId', 'in', assetIds)
    .orderBy('assetAlias.name')
    .execute();
}

function listOutlets(database: Database, assetIds: readonly number[], readable: ReadableDags) {
  if (assetIds.length === 0) return Promise.resolve([]);
  return database.reads
    .selectFrom('taskOutletAsset')
    .innerJoin('dag', 'dag.dagId', 'taskOutletAsset.dagId')
    .where('dag.isStale', '=', 0)
    .select(['taskOutletAsset.assetId', 'taskOutletAsset.dagId', 'taskOutletAsset.taskId'])
    .where('taskOutletAsset.assetId', 'in', assetIds)
    .where(all([isReadable('taskOutletAsset.dagId', readable)]))
    .orderBy('taskOutletAsset.dagId')
    .orderBy('taskOutletAsset.taskId')
    .execute();
}

function conditionOf(filter: AssetFilter): Condition {
  return all([
    filter.readable === 'all' ? undefined : refersTo(filter.readable),
    filter.id === undefined ? undefined : sql<SqlBool>`${column('asset.id')} = ${filter.id}`,
    matchesPattern(column('asset.name'), filter.namePattern),
    startsWith(column('asset.name'), filter.namePrefixPattern),
    matchesPattern(column('asset.uri'), filter.uriPattern),
    startsWith(column('asset.uri'), filter.uriPrefixPattern),
    filter.dagIds === undefined || filter.dagIds.length === 0 ? undefined : refersTo(filter.dagIds),
    filter.onlyActive === true ? sql<SqlBool>`${sql.raw(isUsed('asset.id'))}` : undefined,
  ]);
}

/** Whether one of the dags is scheduled on the asset, emits its events or reads them. */
function refersTo(dagIds: ReadableDags): Condition {
  const scheduled = sql<SqlBool>`exists (
    select 1 from (${sql.raw(SCHEDULED_ON)}) as scheduled join dag on dag.dag_id = scheduled.dag_id and dag.is_stale = 0
    where scheduled.asset_id = ${column('asset.id')} and ${all([isReadable('dag.dagId', dagIds)])})`;
  return sql<SqlBool>`(${scheduled} or ${isReferredToBy('taskOutletAsset', dagIds)} or ${isReferredToBy('taskInletAsset', dagIds)})`;
}

function isReferredToBy(table: 'taskInletAsset' | 'taskOutletAsset', dagIds: ReadableDags): Condition {
  const dagId: Column = `${table}.dagId`;
  return sql<SqlBool>`exists (
    select 1 from ${sql.table(table)} join dag on dag.dag_id = ${column(dagId)} and dag.is_stale = 0
    where ${column(`${table}.assetId`)} = ${column('asset.id')} and ${all([isReadable(dagId, dagIds)])})`;
}
