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

const COUNTED_STATES = ['running', 'queued', 'scheduled', 'deferred'] as const;

type SlotsByPool = { readonly pool: string } & Readonly<Record<(typeof COUNTED_STATES)[number], number>>;

/** What wants or takes slots of each pool, found through the active runs: history has a million task instances that do neither. */
const slotsByPool = sql<SlotsByPool>`(
  select task_instance.pool as pool, ${sql.join(COUNTED_STATES.map((state) => sql`${slotsIn(state)} as ${sql.ref(state)}`))}
  from dag_run
  join task_instance on task_instance.dag_run_id = dag_run.id and task_instance.state in (${sql.join(COUNTED_STATES.map((state) => sql.lit(state)))})
  where dag_run.state = 'running'
  group by task_instance.pool
)`.as('wanted');

function slotsIn(state: (typeof COUNTED_STATES)[number]) {
  return sql<number>`sum(case when task_instance.state = ${sql.lit(state)} then task_instance.pool_slots else 0 end)`;
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
    .where('occupiedPool', '=', name)
    .where('state', '<>', 'restarting')
    .orderBy('queuedAt')
    .orderBy('id')
    .limit(most)
    .execute();
}

function selectSummaries(database: Database) {
  return database.reads
    .selectFrom('pool')
    .leftJoin(slotsByPool, (join) => join.onRef('wanted.pool', '=', 'pool.name'))
    .select(['pool.name', 'pool.slots', 'pool.description', 'pool.includeDeferred'])
    .select((eb) => [
      eb.fn.coalesce('wanted.running', eb.lit(0)).as('runningSlots'),
      eb.fn.coalesce('wanted.queued', eb.lit(0)).as('queuedSlots'),
      eb.fn.coalesce('wanted.scheduled', eb.lit(0)).as('scheduledSlots'),
      eb.fn.coalesce('wanted.deferred', eb.lit(0)).as('deferredSlots'),
    ]);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary(row: SummaryRow): PoolSummary {
  return { ...row, includeDeferred: row.includeDeferred === 1 };
}
