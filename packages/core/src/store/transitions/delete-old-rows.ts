import { TradewindError } from '../../platform/errors.ts';
import { defineStatement, type Database, type SqlDialect, type SqlValue } from '../database.ts';
import { deleteDagRuns } from './delete-dag-run.ts';

/** What grows with time and may be deleted when it is old. A run goes with everything that belongs to it. */
export const CLEANABLE_TABLES = ['dag_run', 'dag_version', 'callback_request', 'deadline', 'job', 'outbox', 'secret_fetch'] as const;
/** A table that may be cleaned. */
export type CleanableTable = (typeof CLEANABLE_TABLES)[number];

/** What is to be deleted. Times are milliseconds since the epoch. */
export interface Cleaning {
  /** Only what was over before this time. */
  readonly before: number;
  readonly tables: readonly CleanableTable[];
  /** Only runs and versions of these dags; empty for all. */
  readonly dagIds: readonly string[];
  readonly excludedDagIds: readonly string[];
  /** So many rows are deleted in one transaction. */
  readonly batchSize: number;
}

/** How many rows a table lost, or would lose. */
export interface CleanedTable {
  readonly table: CleanableTable;
  readonly rows: number;
}

/** Counts what a cleaning would delete. */
export async function countOldRows(database: Database, cleaning: Cleaning): Promise<readonly CleanedTable[]> {
  const counted: CleanedTable[] = [];
  for (const table of cleaning.tables) {
    const [[row]] = await database.batch([COUNTS[table](cleaning)]);
    counted.push({ table, rows: row?.rows ?? 0 });
  }
  return counted;
}

/**
 * (over, and old) → (absent), in portions, each a transaction: whoever works meanwhile waits for none for long. The newest run of each dag that was not made by hand stays, because
 * schedules and past dependence go on from it (Airflow's `db clean`), as does what still names a row. Run twice: nothing is left.
 *
 * @returns how much was deleted; where an error ends it, what was deleted until then is gone
 */
export async function deleteOldRows(database: Database, cleaning: Cleaning): Promise<readonly CleanedTable[]> {
  if (cleaning.batchSize < 1) throw new TradewindError('bad_request', 'the batch size of a cleaning is at least 1');
  const cleaned: CleanedTable[] = [];
  for (const table of cleaning.tables) {
    let rows = 0;
    for (;;) {
      const deleted = table === 'dag_run' ? await deletePortionOfRuns(database, cleaning) : await deletePortion(database, table, cleaning);
      rows += deleted;
      // Fewer than a portion: nothing is left, or somebody has taken something up again meanwhile, which looking again could find for ever.
      if (deleted < cleaning.batchSize) break;
    }
    cleaned.push({ table, rows });
  }
  return cleaned;
}

async function deletePortionOfRuns(database: Database, cleaning: Cleaning): Promise<number> {
  const [found] = await database.batch([selectOldRuns(cleaning)]);
  const ids = found.map(({ id }) => id);
  return ids.length === 0 ? 0 : (await deleteDagRuns(database, ids, cleaning.before)).length;
}

async function deletePortion(database: Database, table: Exclude<CleanableTable, 'dag_run'>, cleaning: Cleaning): Promise<number> {
  const [deleted] = await database.batch([DELETIONS[table](cleaning)]);
  return deleted.length;
}

/** What is old, and over; `row` is the alias. The values are the time, the dags, whether there are any, and the dags that are left out. */
const CONDITIONS: Readonly<Record<CleanableTable, string>> = {
  dag_run: `
    row.state in ('success', 'failed') and row.ended_at < $1 and (row.run_type = 'manual' or exists (
      select 1 from dag_run as newer
      where newer.dag_id = row.dag_id and newer.run_type <> 'manual' and (newer.run_after_at, newer.id) > (row.run_after_at, row.id)
    ))`,
  dag_version: `
    row.created_at < $1 and not exists (select 1 from dag where dag.dag_version_id = row.id)
    and not exists (select 1 from dag_run as run where run.dag_version_id = row.id)
    and not exists (select 1 from backfill where backfill.dag_version_id = row.id)`,
  // Those of a run go with it. These are of deadlines whose run was never created.
  callback_request: `row.dag_run_id is null and row.ended_at < $1`,
  // The newest stays: the run that it is about may still be the next one of its dag, and would be missed a second time.
  deadline: `
    row.dag_run_id is null and row.missed_at < $1 and exists (
      select 1 from deadline as newer
      where newer.dag_id = row.dag_id and newer.name = row.name and newer.dag_run_id is null and newer.logical_at > row.logical_at
    )`,
  // A run that an ended scheduler still holds is found by the end of that scheduler.
  job: `
    row.ended_at < $1 and not exists (select 1 from dag_run as run where run.scheduler_term = row.id)
    and not exists (select 1 from trigger where trigger.triggerer_term = row.id)
    and not exists (select 1 from callback_request where callback_request.triggerer_term = row.id)`,
  outbox: `row.state = 'sent' and row.sent_at < $1`,
  secret_fetch: `row.last_at < $1`,
};

const HAS_DAG: ReadonlySet<CleanableTable> = new Set(['dag_run', 'dag_version', 'callback_request', 'deadline', 'secret_fetch']);

/** The columns that name a row. */
const KEYS: Readonly<Record<CleanableTable, readonly string[]>> = {
  dag_run: ['id'],
  dag_version: ['id'],
  callback_request: ['id'],
  deadline: ['id'],
  job: ['id'],
  outbox: ['id'],
  secret_fetch: ['task_instance_id', 'epoch', 'kind', 'name'],
};

const selectOldRuns = defineStatement<{ id: string }, [cleaning: Cleaning]>(
  'select_old_runs',
  (d) => `select row.id as id from dag_run as row where ${CONDITIONS.dag_run} and ${dagCondition('dag_run', d)} limit $5`,
  (cleaning) => [...valuesOf(cleaning), cleaning.batchSize],
);

const COUNTS = forEachTable((table) =>
  defineStatement<{ rows: number }, [cleaning: Cleaning]>(
    `count_old_${table}`,
    (d) => `select count(*) as rows from ${table} as row where ${CONDITIONS[table]} and ${dagCondition(table, d)}`,
    valuesOf,
  ),
);

const DELETIONS = forEachTable((table) =>
  defineStatement<{ one: number }, [cleaning: Cleaning]>(
    `delete_old_${table}`,
    (d) => `
      delete from ${table}
      where (${KEYS[table].join(', ')}) in (
        select ${KEYS[table].map((key) => `row.${key}`).join(', ')}
        from ${table} as row
        where ${CONDITIONS[table]} and ${dagCondition(table, d)}
        limit $5
      )
      returning 1 as one`,
    (cleaning) => [...valuesOf(cleaning), cleaning.batchSize],
  ),
);

/** Every statement has all the values, so that one list serves them all. */
function dagCondition(table: CleanableTable, d: SqlDialect): string {
  const isWanted = HAS_DAG.has(table) ? 'row.dag_id' : `''`;
  return `
    (${isWanted} = '' or $3 = 0 or ${isWanted} in (select wanted.id from ${d.rows('$2', 'wanted', { id: 'text' })}))
    and (${isWanted} = '' or ${isWanted} not in (select excluded_dag.id from ${d.rows('$4', 'excluded_dag', { id: 'text' })}))`;
}

function valuesOf({ before, dagIds, excludedDagIds }: Cleaning): readonly SqlValue[] {
  const toJson = (ids: readonly string[]): string => JSON.stringify(ids.map((id) => ({ id })));
  return [before, toJson(dagIds), dagIds.length, toJson(excludedDagIds)];
}

function forEachTable<Value>(make: (table: CleanableTable) => Value): Readonly<Record<CleanableTable, Value>> {
  return Object.fromEntries(CLEANABLE_TABLES.map((table) => [table, make(table)])) as Record<CleanableTable, Value>;
}
