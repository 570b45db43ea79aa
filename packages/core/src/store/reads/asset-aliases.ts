import { sql, type SqlBool } from 'kysely';
import type { Database } from '../database.ts';
import type { AssetAliasSummary } from './assets.ts';
import {
  all,
  always,
  column,
  isReadable,
  matchesPattern,
  orderedBy,
  startsWith,
  type Condition,
  type Listed,
  type OrderBy,
  type Page,
  type ReadableDags,
} from './query-parts.ts';

/** What a list of aliases may be narrowed to. Everything left out does not narrow. */
export interface AssetAliasFilter {
  readonly readable: ReadableDags;
  readonly id?: number | undefined;
  readonly namePattern?: string | undefined;
  readonly namePrefixPattern?: string | undefined;
}

/** What a list of aliases may be ordered by. */
export const ASSET_ALIAS_ORDER = { id: always(column('assetAlias.id')), name: always(column('assetAlias.name')) } as const;

/** Lists aliases, a page at a time. A caller who may not read every dag sees those that a dag of his is scheduled on or emits through. */
export async function listAssetAliases(
  database: Database,
  filter: AssetAliasFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<AssetAliasSummary>> {
  const wanted = all([
    isVisible(filter.readable),
    filter.id === undefined ? undefined : sql<SqlBool>`${column('assetAlias.id')} = ${filter.id}`,
    matchesPattern(column('assetAlias.name'), filter.namePattern),
    startsWith(column('assetAlias.name'), filter.namePrefixPattern),
  ]);
  const [rows, counted] = await Promise.all([
    database.reads
      .selectFrom('assetAlias')
      .select(['assetAlias.id', 'assetAlias.name'])
      .where(wanted)
      .orderBy(orderedBy(orderBy, ASSET_ALIAS_ORDER, 'assetAlias.id'))
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    database.reads
      .selectFrom('assetAlias')
      .select(sql<number>`count(*)`.as('total'))
      .where(wanted)
      .executeTakeFirst(),
  ]);
  return { rows, total: counted?.total ?? 0 };
}

function isVisible(readable: ReadableDags): Condition | undefined {
  if (readable === 'all') return undefined;
  const scheduled = sql`exists (
    select 1 from dag_schedule_reference
    where dag_schedule_reference.kind = 'alias' and dag_schedule_reference.target = ${column('assetAlias.name')}
      and ${all([isReadable('dagScheduleReference.dagId', readable)])})`;
  const emitted = sql`exists (
    select 1 from task_outlet_alias
    where task_outlet_alias.asset_alias_id = ${column('assetAlias.id')} and ${all([isReadable('taskOutletAlias.dagId', readable)])})`;
  return sql<SqlBool>`(${scheduled} or ${emitted})`;
}
