import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { DEFAULT_BUNDLE, readBundleFile } from '../../model/bundle-file.ts';
import type { Database } from '../database.ts';
import {
  all,
  always,
  column,
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

/** Why a dag file could not be read, and where. */
export interface ImportErrorSummary {
  readonly id: number;
  readonly bundleName: string;
  /** Relative to the bundle's folder. */
  readonly path: string;
  readonly message: string;
  /** 1-based. */
  readonly line: number | null;
  /** 1-based. */
  readonly columnNumber: number | null;
  /** The offending lines with their numbers. */
  readonly excerpt: string | null;
  readonly stack: string | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** What a list of import errors may be narrowed to. Everything left out does not narrow. */
export interface ImportErrorFilter {
  readonly readable: ReadableDags;
  /** The path in its bundle. */
  readonly path?: string | undefined;
  readonly bundleName?: string | undefined;
  readonly pathPattern?: string | undefined;
  readonly pathPrefixPattern?: string | undefined;
}

/** What a list of import errors may be ordered by. */
export const IMPORT_ERROR_ORDER = {
  id: always(column('importError.id')),
  import_error_id: always(column('importError.id')),
  timestamp: always(column('importError.createdAt')),
  filename: always(column('importError.path')),
  stacktrace: sometimes(column('importError.stack')),
} as const;

/**
 * Lists import errors, a page at a time. A caller who may not read every dag sees those of files whose dags he may all read: a stack
 * shows the text of the whole file.
 */
export async function listImportErrors(
  database: Database,
  filter: ImportErrorFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<ImportErrorSummary>> {
  const wanted = conditionOf(filter);
  const [rows, counted] = await Promise.all([
    database.reads
      .selectFrom('importError')
      .select(['id', 'path', 'message', 'line', 'columnNumber', 'excerpt', 'stack', 'createdAt'])
      .where(wanted)
      .orderBy(orderedBy(orderBy, IMPORT_ERROR_ORDER, 'importError.id'))
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    database.reads
      .selectFrom('importError')
      .select(sql<number>`count(*)`.as('total'))
      .where(wanted)
      .executeTakeFirst(),
  ]);
  return { rows: rows.map(({ path, ...row }) => ({ ...row, ...placeOf(path) })), total: counted?.total ?? 0 };
}

function placeOf(path: string): Pick<ImportErrorSummary, 'bundleName' | 'path'> {
  const { bundleName, file } = readBundleFile(path);
  return { bundleName, path: file };
}

function conditionOf(filter: ImportErrorFilter): Condition {
  return all([
    isVisible(filter.readable),
    filter.path === undefined ? undefined : sql<SqlBool>`(${PATH} = ${filter.path} or ${endsWith(PATH, `//${filter.path}`)})`,
    filter.bundleName === undefined ? undefined : isOfBundle(filter.bundleName),
    matchesPattern(column('importError.path'), filter.pathPattern),
    startsWith(column('importError.path'), filter.pathPrefixPattern),
  ]);
}

const PATH = column('importError.path');

function isOfBundle(bundleName: string): Condition {
  if (bundleName === DEFAULT_BUNDLE) return sql<SqlBool>`replace(${PATH}, '//', '') = ${PATH}`;
  const prefix = `${bundleName}//`;
  return sql<SqlBool>`substr(${PATH}, 1, ${prefix.length}) = ${prefix}`;
}

function endsWith(value: RawBuilder<unknown>, end: string): Condition {
  return sql<SqlBool>`(length(${value}) > ${end.length} and substr(${value}, length(${value}) - ${end.length - 1}) = ${end})`;
}

function isVisible(readable: ReadableDags): Condition | undefined {
  if (readable === 'all') return undefined;
  const ofFile = sql`select 1 from dag where dag.file = ${column('importError.path')}`;
  return sql<SqlBool>`(exists (${ofFile}) and not exists (${ofFile} and not ${all([isReadable('dag.dagId', readable)])}))`;
}
