import { sql, type SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import {
  all,
  always,
  column,
  equals,
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
  /** Relative to the dags folder. */
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
  readonly path?: string | undefined;
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
  return { rows, total: counted?.total ?? 0 };
}

function conditionOf(filter: ImportErrorFilter): Condition {
  return all([
    isVisible(filter.readable),
    equals('importError.path', filter.path),
    matchesPattern(column('importError.path'), filter.pathPattern),
    startsWith(column('importError.path'), filter.pathPrefixPattern),
  ]);
}

function isVisible(readable: ReadableDags): Condition | undefined {
  if (readable === 'all') return undefined;
  const ofFile = sql`select 1 from dag where dag.file = ${column('importError.path')}`;
  return sql<SqlBool>`(exists (${ofFile}) and not exists (${ofFile} and not ${all([isReadable('dag.dagId', readable)])}))`;
}
