import { defineStatement, type SqlDialect } from '../database.ts';
import { ACTIVE_RUNS_OF_DAG } from '../due-dags.ts';

/** A run that a timetable asks for, and when the one after it is due. */
export interface ScheduledDagRun {
  readonly id: string;
  readonly dagId: string;
  /** Among the runs of its dag that are given together, from 1. */
  readonly place: number;
  readonly runId: string;
  readonly logicalAt: number;
  readonly intervalStartAt: number;
  readonly intervalEndAt: number;
  readonly runAfterAt: number;
  /** The due time that it was decided from: the dag's own of the first run, that after the one before of others. */
  readonly dueAt: number;
  readonly nextRunAt: number | null;
}

/**
 * (absent) → queued.
 *
 * Called when dags are due, with the next runs of each in order. Creates as many as fit under `max_active_runs` (the first of Airflow's two gates; backfills pass
 * beside it), provided that the dag is on and still due at the time that the first was decided from; the others are refused and come again. Locks nothing. Run
 * twice: the due time has moved on (`advanceNextRuns`), and (dag, logical date) and (dag, run id) are unique.
 */
export const createScheduledDagRuns = defineStatement<{ id: string }, [runs: readonly ScheduledDagRun[], now: number]>(
  'create_scheduled_dag_runs',
  (d) => `
    insert into dag_run
      (id, dag_id, run_id, run_type, state, triggered_by, conf, logical_at, interval_start_at, interval_end_at, run_after_at, queued_at,
       dag_version_id, bundle_version)
    select given.id, dag.dag_id, given.run_id, 'scheduled', 'queued', 'timetable', '{}', given.logical_at, given.interval_start_at,
      given.interval_end_at, given.run_after_at, $2, dag.dag_version_id, dag.bundle_version
    from ${givenRuns(d)}
    join dag on dag.dag_id = given.dag_id
    where dag.next_run_at = given.first_due_at and dag.is_paused = 0 and dag.is_stale = 0
      and given.place <= dag.max_active_runs - ${ACTIVE_RUNS_OF_DAG}
    on conflict do nothing
    returning id`,
  (runs, now) => [runsAsJson(runs), now],
);

/**
 * Due → due later, or never: at the first of the given runs that does not exist, or after the last. After `createScheduledDagRuns` in the same transaction. A slot or
 * run id that somebody took by hand is passed over; a run that was refused for the limit is tried again. Run twice: the due time has moved on.
 */
export const advanceNextRuns = defineStatement<{ dagId: string }, [runs: readonly ScheduledDagRun[]]>(
  'advance_next_runs',
  (d) => `
    update dag
    set next_run_at = given.next_run_at
    from ${givenRuns(d)}
    where dag.dag_id = given.dag_id and dag.next_run_at = given.first_due_at
      and given.place = coalesce(
        (select min(missing.place) from ${givenRuns(d, 'missing')} where missing.dag_id = dag.dag_id and not ${hasRun('missing')}) - 1,
        (select max(listed.place) from ${givenRuns(d, 'listed')} where listed.dag_id = dag.dag_id)
      )
    returning dag.dag_id as "dagId"`,
  (runs) => [runsAsJson(runs)],
);

/**
 * Due → never, until somebody decides anew: nothing tells which run is due. Called where the code of a timetable was not asked yet, or not about this version of
 * the dag. Run twice: it is due never already.
 */
export const forgetNextRuns = defineStatement<{ dagId: string }, [dags: readonly { readonly dagId: string; readonly nextRunAt: number }[]]>(
  'forget_next_runs',
  (d) => `
    update dag
    set next_run_at = null
    from ${d.rows('$1', 'given', { dag_id: 'text', expected: 'bigint' })}
    where dag.dag_id = given.dag_id and dag.next_run_at = given.expected
    returning dag.dag_id as "dagId"`,
  (dags) => [JSON.stringify(dags.map(({ dagId, nextRunAt }) => ({ dag_id: dagId, expected: nextRunAt })))],
);

function givenRuns(d: SqlDialect, alias = 'given'): string {
  return d.rows('$1', alias, {
    id: 'text',
    dag_id: 'text',
    place: 'bigint',
    run_id: 'text',
    logical_at: 'bigint',
    interval_start_at: 'bigint',
    interval_end_at: 'bigint',
    run_after_at: 'bigint',
    first_due_at: 'bigint',
    next_run_at: 'bigint',
  });
}

function hasRun(alias: string): string {
  return `exists (
        select 1 from dag_run
        where dag_run.dag_id = ${alias}.dag_id and (dag_run.logical_at = ${alias}.logical_at or dag_run.run_id = ${alias}.run_id)
      )`;
}

function runsAsJson(runs: readonly ScheduledDagRun[]): string {
  const firstDueAt = new Map(runs.filter(({ place }) => place === 1).map(({ dagId, dueAt }) => [dagId, dueAt]));
  return JSON.stringify(
    runs.map((run) => ({
      id: run.id,
      dag_id: run.dagId,
      place: run.place,
      run_id: run.runId,
      logical_at: run.logicalAt,
      interval_start_at: run.intervalStartAt,
      interval_end_at: run.intervalEndAt,
      run_after_at: run.runAfterAt,
      first_due_at: firstDueAt.get(run.dagId) ?? null,
      next_run_at: run.nextRunAt,
    })),
  );
}
