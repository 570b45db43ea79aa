import type { Database } from '../database.ts';
import type { SecretFetchOutcome } from '../tables.ts';
import { all, isReadable, type ReadableDags } from './query-parts.ts';

/** Which attempt was given, or refused, which variable or connection. Times are milliseconds since the epoch. */
export interface SecretFetchSummary {
  readonly kind: 'variable' | 'connection';
  readonly name: string;
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly tryNumber: number;
  readonly outcome: SecretFetchOutcome;
  readonly source: string | null;
  readonly fetches: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** What a list of fetches may be narrowed to. */
export interface SecretFetchFilter {
  readonly readable: ReadableDags;
  readonly kind?: 'variable' | 'connection' | undefined;
  readonly name?: string | undefined;
  readonly dagId?: string | undefined;
}

/** Lists what tries asked for, the newest first. */
export async function listSecretFetches(
  database: Database,
  { readable, kind, name, dagId }: SecretFetchFilter,
  limit: number,
): Promise<readonly SecretFetchSummary[]> {
  return database.reads
    .selectFrom('secretFetch')
    .select(['kind', 'name', 'dagId', 'runId', 'taskId', 'mapIndex', 'tryNumber', 'outcome', 'source', 'fetches', 'firstAt', 'lastAt'])
    .where(all([isReadable('secretFetch.dagId', readable)]))
    .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? 'variable'))
    .$if(name !== undefined, (query) => query.where('name', '=', name ?? ''))
    .$if(dagId !== undefined, (query) => query.where('dagId', '=', dagId ?? ''))
    .orderBy('lastAt', 'desc')
    .orderBy('taskInstanceId')
    .orderBy('name')
    .limit(limit)
    .execute();
}

/** The names that tries were given from places outside of the database, so that their values can be masked again after a start. */
export async function readNamesGivenFrom(
  database: Database,
  source: string,
): Promise<readonly { readonly kind: 'variable' | 'connection'; readonly name: string }[]> {
  return database.reads
    .selectFrom('secretFetch')
    .select(['kind', 'name'])
    .distinct()
    .where('source', '=', source)
    .where('outcome', '=', 'given')
    .limit(MOST_NAMES)
    .execute();
}

const MOST_NAMES = 10_000;
