import { defineStatement } from './database.ts';

/** A dag whose next scheduled run is due. Times are milliseconds since the epoch. */
export interface DueDag {
  readonly dagId: string;
  readonly nextRunAt: number;
  /** JSON of the SerializedDag. */
  readonly serialized: string;
  /** End of the data interval of the latest scheduled run. */
  readonly lastIntervalEndAt: number | null;
  /** JSON list of the model's NextRun, where the author's code says when the dag runs. */
  readonly stock: string | null;
}

/** The dag is on, its file can be read, and it is due. */
const IS_DUE = `
  dag.next_run_at <= $1 and dag.is_paused = 0 and dag.is_stale = 0
  and not exists (select 1 from import_error where import_error.path = dag.file)`;

/** The first of Airflow's two gates: as many runs as the dag may have at once are queued or running. Backfills have a limit of their own. */
export const ACTIVE_RUNS_OF_DAG = `
  (select count(*) from dag_run as active
   where active.dag_id = dag.dag_id and active.state in ('queued', 'running') and active.backfill_id is null)`;

/**
 * The dags that are due and may have another run, beginning after `cursor` in the order of their ids and then from the start: whoever has thousands of runs to
 * make has its turn once in a round.
 */
export const selectDueDags = defineStatement<DueDag, [now: number, cursor: string, most: number]>(
  'select_due_dags',
  () => `
    select dag.dag_id as "dagId", dag.next_run_at as "nextRunAt", version.serialized as serialized, stock.runs as stock,
      (select latest.interval_end_at from dag_run as latest
       where latest.dag_id = dag.dag_id and latest.run_type = 'scheduled'
       order by latest.run_after_at desc, latest.id desc limit 1) as "lastIntervalEndAt"
    from dag
    join dag_version as version on version.id = dag.dag_version_id
    left join timetable_stock as stock on stock.dag_id = dag.dag_id
    where ${IS_DUE} and ${ACTIVE_RUNS_OF_DAG} < dag.max_active_runs
    order by case when dag.dag_id > $2 then 0 else 1 end, dag.dag_id
    limit $3`,
  (now, cursor, most) => [now, cursor, most],
);

/** What there is to wait for. */
export interface ScheduleOutlook {
  /** How many dags are due and may have another run. */
  readonly ready: number;
  /** How many dags are due and at their limit. */
  readonly full: number;
  /** The earliest due time after `now`; null where there is none. */
  readonly nextDueAt: number | null;
}

/** Tells when to look for due dags again. */
export const selectScheduleOutlook = defineStatement<ScheduleOutlook, [now: number]>(
  'select_schedule_outlook',
  () => `
    select
      (select count(*) from dag where ${IS_DUE} and ${ACTIVE_RUNS_OF_DAG} < dag.max_active_runs) as ready,
      (select count(*) from dag where ${IS_DUE} and ${ACTIVE_RUNS_OF_DAG} >= dag.max_active_runs) as full,
      (select min(next_run_at) from dag where next_run_at > $1 and is_paused = 0 and is_stale = 0) as "nextDueAt"`,
  (now) => [now],
);
