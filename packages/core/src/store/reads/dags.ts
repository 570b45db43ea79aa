import type { DagRunState, SerializedDag, SerializedSchedule } from '@tradewind/protocol';
import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { readBundleFile } from '../../model/bundle-file.ts';
import type { Database } from '../database.ts';
import {
  all,
  always,
  column,
  equals,
  isAnyOf,
  isReadable,
  matchesPattern,
  orderedBy,
  sometimes,
  startsWith,
  type Condition,
  type Listed,
  type OrderBy,
  type Page,
  type ReadableDags,
} from './query-parts.ts';

/** A dag as lists show it. Times are milliseconds since the epoch. */
export interface DagSummary {
  readonly dagId: string;
  readonly displayName: string;
  readonly description: string | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
  /** Relative to the bundle's folder. */
  readonly file: string;
  /** The same among the files of all bundles, as model/bundle-file.ts names it. */
  readonly place: string;
  readonly bundleName: string;
  readonly bundleVersion: string;
  readonly dagVersionId: string;
  readonly isPaused: boolean;
  readonly isStale: boolean;
  readonly hasImportErrors: boolean;
  readonly schedule: SerializedSchedule;
  readonly scheduleSummary: string | null;
  readonly maxActiveRuns: number;
  readonly maxActiveTasks: number;
  readonly nextRunAt: number | null;
  readonly parsedAt: number;
  readonly parseMs: number;
}

/** What a list of dags may be narrowed to. Everything left out does not narrow. */
export interface DagFilter {
  readonly readable: ReadableDags;
  readonly dagIdPattern?: string | undefined;
  readonly dagIdPrefixPattern?: string | undefined;
  readonly displayNamePattern?: string | undefined;
  readonly displayNamePrefixPattern?: string | undefined;
  readonly isPaused?: boolean | undefined;
  readonly excludeStale?: boolean | undefined;
  readonly hasImportErrors?: boolean | undefined;
  readonly hasAssetSchedule?: boolean | undefined;
  /** Name or uri of an asset that the dag is scheduled on. */
  readonly assetDependency?: string | undefined;
  readonly bundleName?: string | undefined;
  readonly bundleVersion?: string | undefined;
  readonly lastRunState?: DagRunState | undefined;
  readonly owners?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Whether a dag needs one of the tags or every one. @default 'any' */
  readonly tagsMatchMode?: 'any' | 'all' | undefined;
}

const DISPLAY_NAME = sql`coalesce(${column('dag.displayName')}, ${column('dag.dagId')})`;
const HAS_IMPORT_ERRORS = sql<SqlBool>`exists (select 1 from import_error where import_error.path = ${column('dag.file')})`;

/** What a list of dags may be ordered by. */
export const DAG_ORDER = {
  dag_id: always(column('dag.dagId')),
  dag_display_name: always(DISPLAY_NAME),
  next_dagrun: sometimes(column('dag.nextRunAt')),
  state: sometimes(ofNewestRun('state')),
  last_run_state: sometimes(ofNewestRun('state')),
  start_date: sometimes(ofNewestRun('started_at')),
  last_run_start_date: sometimes(ofNewestRun('started_at')),
} as const;

/** Lists dags, a page at a time. */
export async function listDags(
  database: Database,
  filter: DagFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<DagSummary>> {
  const wanted = conditionOf(filter);
  const [rows, counted] = await Promise.all([
    selectSummaries(database)
      .where(wanted)
      .orderBy(orderedBy(orderBy, DAG_ORDER, 'dag.dagId'))
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    database.reads
      .selectFrom('dag')
      .select(sql<number>`count(*)`.as('total'))
      .where(wanted)
      .executeTakeFirst(),
  ]);
  return { rows: rows.map(toSummary), total: counted?.total ?? 0 };
}

/** One dag. */
export async function findDag(database: Database, dagId: string): Promise<DagSummary | undefined> {
  const row = await selectSummaries(database).where('dag.dagId', '=', dagId).executeTakeFirst();
  return row === undefined ? undefined : toSummary(row);
}

/** A dag's definition at one version: the given one, else its current one. */
export async function findDagDefinition(database: Database, dagId: string, dagVersionId?: string): Promise<SerializedDag | undefined> {
  const row = await database.reads
    .selectFrom('dagVersion')
    .select('dagVersion.serialized')
    .where('dagVersion.dagId', '=', dagId)
    .where('dagVersion.id', '=', dagVersionId ?? sql<string>`(select dag_version_id from dag where dag_id = ${dagId})`)
    .executeTakeFirst();
  return row === undefined ? undefined : (JSON.parse(row.serialized) as SerializedDag);
}

function selectSummaries(database: Database) {
  return database.reads
    .selectFrom('dag')
    .select([
      'dag.dagId',
      'dag.description',
      'dag.owner',
      'dag.tags',
      'dag.file',
      'dag.bundleName',
      'dag.bundleVersion',
      'dag.dagVersionId',
      'dag.isPaused',
      'dag.isStale',
      'dag.schedule',
      'dag.scheduleSummary',
      'dag.maxActiveRuns',
      'dag.maxActiveTasks',
      'dag.nextRunAt',
      'dag.parsedAt',
      'dag.parseMs',
    ])
    .select([
      sql<string>`${DISPLAY_NAME}`.as('displayName'),
      sql<number>`case when ${HAS_IMPORT_ERRORS} then 1 else 0 end`.as('hasImportErrors'),
    ]);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary(row: SummaryRow): DagSummary {
  return {
    ...row,
    file: readBundleFile(row.file).file,
    place: row.file,
    tags: JSON.parse(row.tags) as string[],
    schedule: JSON.parse(row.schedule) as SerializedSchedule,
    isPaused: row.isPaused === 1,
    isStale: row.isStale === 1,
    hasImportErrors: row.hasImportErrors === 1,
  };
}

function conditionOf(filter: DagFilter): Condition {
  return all([
    isReadable('dag.dagId', filter.readable),
    matchesPattern(column('dag.dagId'), filter.dagIdPattern),
    startsWith(column('dag.dagId'), filter.dagIdPrefixPattern),
    matchesPattern(DISPLAY_NAME, filter.displayNamePattern),
    startsWith(DISPLAY_NAME, filter.displayNamePrefixPattern),
    isYes(sql`${column('dag.isPaused')} = 1`, filter.isPaused),
    isYes(sql`${column('dag.isStale')} = 1`, filter.excludeStale === true ? false : undefined),
    isYes(HAS_IMPORT_ERRORS, filter.hasImportErrors),
    isYes(isScheduledOn(undefined), filter.hasAssetSchedule),
    filter.assetDependency === undefined ? undefined : isScheduledOn(filter.assetDependency),
    equals('dag.bundleName', filter.bundleName),
    equals('dag.bundleVersion', filter.bundleVersion),
    filter.lastRunState === undefined ? undefined : sql<SqlBool>`${ofNewestRun('state')} = ${filter.lastRunState}`,
    isAnyOf('dag.owner', filter.owners),
    hasTags(filter.tags ?? [], filter.tagsMatchMode ?? 'any'),
  ]);
}

function isYes(condition: RawBuilder<unknown>, wanted: boolean | undefined): Condition | undefined {
  if (wanted === undefined) return undefined;
  return wanted ? sql<SqlBool>`${condition}` : sql<SqlBool>`not (${condition})`;
}

function isScheduledOn(asset: string | undefined): Condition {
  const named = asset === undefined ? sql`1 = 1` : sql`(asset.name = ${asset} or asset.uri = ${asset})`;
  return sql<SqlBool>`exists (
    select 1 from dag_schedule_asset join asset on asset.id = dag_schedule_asset.asset_id
    where dag_schedule_asset.dag_id = ${column('dag.dagId')} and ${named})`;
}

/** A tag is found by its JSON text, quotes included, in the column's JSON list: exact, and spelt alike on both databases. */
function hasTags(tags: readonly string[], mode: 'any' | 'all'): Condition | undefined {
  if (tags.length === 0) return undefined;
  const found = tags.map((tag) => sql`replace(${column('dag.tags')}, ${JSON.stringify(tag)}, '') <> ${column('dag.tags')}`);
  return sql<SqlBool>`(${sql.join(found, mode === 'any' ? sql` or ` : sql` and `)})`;
}

/** A value of the dag's newest run, by the index on (dag, run after, id). */
function ofNewestRun(name: 'state' | 'started_at'): RawBuilder<unknown> {
  return sql`(
    select newest.${sql.raw(name)} from dag_run as newest where newest.dag_id = ${column('dag.dagId')}
    order by newest.run_after_at desc, newest.id desc limit 1)`;
}
