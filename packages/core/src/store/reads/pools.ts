import { sql } from 'kysely';
import type { Database } from '../database.ts';
import {
  all,
  always,
  column,
  countRows,
  idsOfPage,
  matchesPattern,
  orderedBy,
  startsWith,
  type Listed,
  type OrderBy,
  type Page,
} from './query-parts.ts';

/** A pool with what is in it, counted in slots. */
export interface PoolSummary {
  readonly name: string;
  /** -1 for no limit. */
  readonly slots: number;
  readonly description: string;
  readonly includeDeferred: boolean;
  readonly runningSlots: number;
  readonly queuedSlots: number;
  readonly scheduledSlots: number;
  readonly deferredSlots: number;
}

/** What a list of pools may be narrowed to. */
export interface PoolFilter {
  readonly namePattern?: string | undefined;
  readonly namePrefixPattern?: string | undefined;
}

/** What a list of pools may be ordered by. */
export const POOL_ORDER = {
  id: always(column('pool.name')),
  pool: always(column('pool.name')),
  name: always(column('pool.name')),
  slots: always(column('pool.slots')),
  description: always(column('pool.description')),
  include_deferred: always(column('pool.includeDeferred')),
} as const;

/** A task instance that takes slots of a pool. */
export interface SlotHolder {
  readonly dagId: string;
  readonly runId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly state: string;
  readonly poolSlots: number;
}

/** Lists pools, a page at a time. */
export async function listPools(
  database: Database,
  filter: PoolFilter,
  page: Page,
  orderBy: readonly OrderBy[] = [],
): Promise<Listed<PoolSummary>> {
  const wanted = all([matchesPattern(column('pool.name'), filter.namePattern), startsWith(column('pool.name'), filter.namePrefixPattern)]);
  const order = orderedBy(orderBy, POOL_ORDER, 'pool.name');
  const from = sql.table('pool');
  const names = idsOfPage({ id: 'pool.name', from, wanted, order, page });
  const [rows, total] = await Promise.all([
    selectSummaries(database).where('pool.name', 'in', names).orderBy(order).execute(),
    countRows(database, from, wanted),
  ]);
  return { rows: rows.map(toSummary), total };
}

/** One pool. */
export async function findPool(database: Database, name: string): Promise<PoolSummary | undefined> {
  const row = await selectSummaries(database).where('pool.name', '=', name).executeTakeFirst();
  return row === undefined ? undefined : toSummary(row);
}

/** Who takes the slots of a pool, those first that took them first. */
export function listSlotHolders(database: Database, name: string, most: number): Promise<readonly SlotHolder[]> {
  return database.reads
    .selectFrom('taskInstance')
    .select(['dagId', 'runId', 'taskId', 'mapIndex', 'state', 'poolSlots'])
    .where('pool', '=', name)
    .where(
      sql<boolean>`(${column('taskInstance.state')} in ('queued', 'running') or (${column('taskInstance.state')} = 'deferred'
        and exists (select 1 from pool where pool.name = ${name} and pool.include_deferred = 1)))`,
    )
    .orderBy('queuedAt')
    .orderBy('id')
    .limit(most)
    .execute();
}

function selectSummaries(database: Database) {
  return database.reads
    .selectFrom('pool')
    .select(['pool.name', 'pool.slots', 'pool.description', 'pool.includeDeferred'])
    .select([
      slotsIn('running').as('runningSlots'),
      slotsIn('queued').as('queuedSlots'),
      slotsIn('scheduled').as('scheduledSlots'),
      slotsIn('deferred').as('deferredSlots'),
    ]);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary(row: SummaryRow): PoolSummary {
  return { ...row, includeDeferred: row.includeDeferred === 1 };
}

function slotsIn(state: 'running' | 'queued' | 'scheduled' | 'deferred') {
  return sql<number>`(
    select coalesce(sum(pool_slots), 0) from task_instance
    where task_instance.pool = ${column('pool.name')} and task_instance.state = ${sql.lit(state)})`;
}
