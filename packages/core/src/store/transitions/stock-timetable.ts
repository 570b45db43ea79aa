import { defineStatement, wakeOthers, type Database } from '../database.ts';
import type { NextRun } from '../../model/timetables/next-run.ts';

/** A dag that runs when its author's code says, and what that code has answered. Times are milliseconds since the epoch. */
export interface StockedDag {
  readonly dagId: string;
  readonly file: string;
  readonly bundleVersion: string;
  /** JSON of the SerializedDag. */
  readonly serialized: string;
  readonly nextRunAt: number | null;
  readonly lastLogicalAt: number | null;
  readonly lastRunAfterAt: number | null;
  readonly lastIntervalStartAt: number | null;
  readonly lastIntervalEndAt: number | null;
  /** What was answered last; null where the code was never asked. */
  readonly stockedVersion: string | null;
  /** JSON list of NextRun. */
  readonly runs: string | null;
  readonly isExhausted: number | null;
  readonly problem: string | null;
  readonly evaluatedAt: number | null;
}

/** The dags that run when their author's code says, and are not gone, each with its latest scheduled run. */
export const selectStockedDags = defineStatement<StockedDag, []>(
  'select_stocked_dags',
  () => `
    select dag.dag_id as "dagId", dag.file as file, dag.bundle_version as "bundleVersion", version.serialized as serialized,
      dag.next_run_at as "nextRunAt", latest.logical_at as "lastLogicalAt", latest.run_after_at as "lastRunAfterAt",
      latest.interval_start_at as "lastIntervalStartAt", latest.interval_end_at as "lastIntervalEndAt",
      stock.bundle_version as "stockedVersion", stock.runs as runs, stock.is_exhausted as "isExhausted", stock.problem as problem,
      stock.evaluated_at as "evaluatedAt"
    from dag
    join dag_version as version on version.id = dag.dag_version_id
    left join timetable_stock as stock on stock.dag_id = dag.dag_id
    left join dag_run as latest on latest.id = (
      select run.id from dag_run as run
      where run.dag_id = dag.dag_id and run.run_type = 'scheduled'
      order by run.run_after_at desc, run.id desc limit 1
    )
    where dag.schedule like '%"kind":"custom"%' and dag.is_stale = 0
    order by dag.dag_id`,
  () => [],
);

/** What the code of a timetable has answered, or why it has not. */
export interface TimetableStock {
  readonly dagId: string;
  readonly bundleVersion: string;
  readonly runs: readonly NextRun[];
  readonly isExhausted: boolean;
  readonly problem: string | null;
  /** The due time that the question was asked from. */
  readonly expectedNextRunAt: number | null;
}

/**
 * Replaces what is known of a dag's next runs, and makes the dag due at the first of them, or never.
 *
 * Called when the code of a timetable was asked. Changes nothing where the dag's code or due time has moved on meanwhile; the caller then asks again. Run twice: the same rows.
 * @returns whether it was changed
 */
export async function stockTimetable(database: Database, stock: TimetableStock, now: number): Promise<boolean> {
  const [changed] = await database.batch([setStockedNextRun(stock), replaceStock(stock, now), wakeOthers]);
  return changed.length > 0;
}

const setStockedNextRun = defineStatement<{ dagId: string }, [stock: TimetableStock]>(
  'set_stocked_next_run',
  () => `
    update dag set next_run_at = $4
    where dag_id = $1 and bundle_version = $2 and next_run_at is not distinct from $3
    returning dag_id as "dagId"`,
  ({ dagId, bundleVersion, expectedNextRunAt, runs }) => [dagId, bundleVersion, expectedNextRunAt, runs[0]?.runAfterAt ?? null],
);

/** After `setStockedNextRun` in the same transaction: only together with the due time that belongs to it. */
const replaceStock = defineStatement<never, [stock: TimetableStock, now: number]>(
  'replace_timetable_stock',
  () => `
    insert into timetable_stock (dag_id, bundle_version, runs, is_exhausted, problem, evaluated_at)
    select dag_id, bundle_version, $3, $4, $5, $6 from dag
    where dag_id = $1 and bundle_version = $2 and next_run_at is not distinct from $7
    on conflict (dag_id) do update
    set bundle_version = excluded.bundle_version, runs = excluded.runs, is_exhausted = excluded.is_exhausted, problem = excluded.problem,
      evaluated_at = excluded.evaluated_at`,
  ({ dagId, bundleVersion, runs, isExhausted, problem }, now) => [
    dagId,
    bundleVersion,
    JSON.stringify(runs),
    Number(isExhausted),
    problem,
    now,
    runs[0]?.runAfterAt ?? null,
  ],
);
