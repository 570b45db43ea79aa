import { decodeJson, type SerializedDag } from '@tradewind/protocol';
import { sql, type SqlBool } from 'kysely';
import { readBundleFile } from '../../model/bundle-file.ts';
import type { Database } from '../database.ts';
import {
  all,
  always,
  column,
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

/** A version of a dag as lists show it. Times are milliseconds since the epoch. */
export interface DagVersionSummary {
  readonly id: string;
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly versionNumber: number;
  readonly bundleName: string;
  /** Of the moment at which the version was read; runs of it may be on later ones. */
  readonly bundleVersion: string;
  /** Relative to the bundle's folder. */
  readonly file: string;
  /** The same among the files of all bundles, as model/bundle-file.ts names it. */
  readonly place: string;
  /** A bundle version that has the text of the file: the dag's own where this is its current version, which is kept for certain. */
  readonly sourceVersion: string;
  readonly createdAt: number;
  readonly isCurrent: boolean;
  /** How many runs are on it. */
  readonly runs: number;
}

/** What a list of versions may be narrowed to. Everything left out does not narrow. */
export interface DagVersionFilter {
  readonly readable: ReadableDags;
  readonly dagId?: string | undefined;
  readonly versionNumber?: number | undefined;
  /** Only versions with lower numbers. */
  readonly belowNumber?: number | undefined;
  readonly bundleName?: string | undefined;
  readonly bundleVersion?: string | undefined;
}

/** What a list of versions may be ordered by. */
export const DAG_VERSION_ORDER = {
  id: always(column('dagVersion.id')),
  version_number: always(column('dagVersion.versionNumber')),
  bundle_name: always(column('dagVersion.bundleName')),
  bundle_version: always(column('dagVersion.bundleVersion')),
} as const;

/** Lists versions of dags, a page at a time. */
export async function listDagVersions(
  database: Database,
  filter: DagVersionFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<DagVersionSummary>> {
  const wanted = conditionOf(filter);
  const [rows, counted] = await Promise.all([
    selectSummaries(database)
      .where(wanted)
      .orderBy(orderedBy(orderBy, DAG_VERSION_ORDER, 'dagVersion.id'))
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    database.reads
      .selectFrom('dagVersion')
      .select(sql<number>`count(*)`.as('total'))
      .where(wanted)
      .executeTakeFirst(),
  ]);
  return { rows: rows.map(toSummary), total: counted?.total ?? 0 };
}

/** One version of a dag with its definition: the numbered one, else the current one. */
export async function findDagVersion(
  database: Database,
  dagId: string,
  versionNumber?: number,
): Promise<{ readonly version: DagVersionSummary; readonly dag: SerializedDag } | undefined> {
  const row = await selectSummaries(database)
    .select('dagVersion.serialized')
    .where('dagVersion.dagId', '=', dagId)
    .where(versionNumber === undefined ? IS_CURRENT : sql<SqlBool>`${column('dagVersion.versionNumber')} = ${versionNumber}`)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { serialized, ...version } = row;
  return { version: toSummary(version), dag: decodeJson(serialized) as unknown as SerializedDag };
}

const IS_CURRENT = sql<SqlBool>`exists (select 1 from dag as owner where owner.dag_version_id = ${column('dagVersion.id')})`;

function selectSummaries(database: Database) {
  return database.reads
    .selectFrom('dagVersion')
    .leftJoin('dag', 'dag.dagId', 'dagVersion.dagId')
    .select([
      'dagVersion.id',
      'dagVersion.dagId',
      'dagVersion.versionNumber',
      'dagVersion.bundleName',
      'dagVersion.bundleVersion',
      'dagVersion.file',
      'dagVersion.createdAt',
      'dag.displayName',
      'dag.bundleVersion as currentBundleVersion',
      'dag.file as currentFile',
    ])
    .select([
      sql<number>`case when ${IS_CURRENT} then 1 else 0 end`.as('isCurrent'),
      sql<number>`(select count(*) from dag_run where dag_run.dag_version_id = ${column('dagVersion.id')})`.as('runs'),
    ]);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary({ displayName, isCurrent, file, currentFile, currentBundleVersion, ...row }: SummaryRow): DagVersionSummary {
  // A version that an earlier release wrote does not say where it was read from.
  const place = file === '' ? (currentFile ?? '') : file;
  return {
    ...row,
    dagDisplayName: displayName ?? row.dagId,
    isCurrent: isCurrent === 1,
    place,
    file: readBundleFile(place).file,
    sourceVersion: isCurrent === 1 ? (currentBundleVersion ?? row.bundleVersion) : row.bundleVersion,
  };
}

function conditionOf(filter: DagVersionFilter): Condition {
  return all([
    isReadable('dagVersion.dagId', filter.readable),
    equals('dagVersion.dagId', filter.dagId),
    equals('dagVersion.versionNumber', filter.versionNumber),
    isWithin(column('dagVersion.versionNumber'), { lt: filter.belowNumber }),
    equals('dagVersion.bundleName', filter.bundleName),
    equals('dagVersion.bundleVersion', filter.bundleVersion),
  ]);
}
