import type { DagRunTriggeredBy } from '@tradewind/protocol';
import { defineStatement, wakeOthers, type Database } from '../database.ts';

/** A run that somebody asks for. Times are milliseconds since the epoch. */
export interface NewDagRun {
  readonly id: string;
  readonly dagId: string;
  readonly runId: string;
  /** @default 'manual' */
  readonly runType?: 'manual' | 'asset_materialization' | 'operator_triggered';
  readonly triggeredBy: DagRunTriggeredBy;
  readonly triggeringUser: string | null;
  /** JSON object, checked against the params of `dagVersionId`. */
  readonly conf: string;
  readonly note: string | null;
  readonly logicalAt: number | null;
  readonly intervalStartAt: number | null;
  readonly intervalEndAt: number | null;
  readonly runAfterAt: number;
  /** The version that the caller looked at. */
  readonly dagVersionId: string;
}

/** What became of the request; `already_exists` says which of the two unique names is taken. */
export type CreateDagRunOutcome =
  | { readonly outcome: 'created' }
  | { readonly outcome: 'already_exists'; readonly taken: 'run_id' | 'logical_date'; readonly runId: string }
  | { readonly outcome: 'unknown_dag' | 'stale_dag' | 'import_errors' | 'dag_changed' };

/**
 * (absent) → queued, by hand.
 *
 * Called by the API, the pages and the command line. Locks nothing: (dag, run id) and (dag, logical date) are unique, so of two that ask at once one is
 * told that the run exists. The run is on the version that the caller checked its conf against; if that is no longer the current one, nothing
 * happens and the caller looks again. Run twice: the run exists already. Task instances come when the scheduler starts the run.
 */
export async function createDagRun(database: Database, run: NewDagRun, now: number): Promise<CreateDagRunOutcome> {
  const [created, [dag]] = await database.batch([insertDagRun(run, now), selectRefusal(run), wakeOthers]);
  if (created.length > 0) return { outcome: 'created' };
  if (dag === undefined) return { outcome: 'unknown_dag' };
  if (dag.isStale === 1) return { outcome: 'stale_dag' };
  if (dag.importErrors > 0) return { outcome: 'import_errors' };
  if (dag.sameRunId !== null) return { outcome: 'already_exists', taken: 'run_id', runId: dag.sameRunId };
  if (dag.sameLogicalDate !== null) return { outcome: 'already_exists', taken: 'logical_date', runId: dag.sameLogicalDate };
  return { outcome: 'dag_changed' };
}

const insertDagRun = defineStatement<{ id: string }, [run: NewDagRun, now: number]>(
  'insert_dag_run',
  () => `
    insert into dag_run
      (id, dag_id, run_id, run_type, state, triggered_by, triggering_user, conf, note, logical_at, interval_start_at, interval_end_at,
       run_after_at, queued_at, dag_version_id, bundle_version)
    select $1, dag.dag_id, $2, $14, 'queued', $3, $4, $5, $6, $7, $8, $9, $10, $11, dag.dag_version_id, dag.bundle_version
    from dag
    where dag.dag_id = $12 and dag.dag_version_id = $13 and dag.is_stale = 0
      and not exists (select 1 from import_error where import_error.path = dag.file)
    on conflict do nothing
    returning id`,
  (run, now) => [
    run.id,
    run.runId,
    run.triggeredBy,
    run.triggeringUser,
    run.conf,
    run.note,
    run.logicalAt,
    run.intervalStartAt,
    run.intervalEndAt,
    run.runAfterAt,
    now,
    run.dagId,
    run.dagVersionId,
    run.runType ?? 'manual',
  ],
);

interface Refusal {
  readonly isStale: number;
  readonly importErrors: number;
  readonly sameRunId: string | null;
  readonly sameLogicalDate: string | null;
}

/** Why `insertDagRun` of the same transaction may have inserted nothing. */
const selectRefusal = defineStatement<Refusal, [run: NewDagRun]>(
  'select_dag_run_refusal',
  () => `
    select dag.is_stale as "isStale",
      (select count(*) from import_error where import_error.path = dag.file) as "importErrors",
      (select run_id from dag_run where dag_run.dag_id = dag.dag_id and dag_run.run_id = $2) as "sameRunId",
      (select run_id from dag_run where dag_run.dag_id = dag.dag_id and dag_run.logical_at = $3) as "sameLogicalDate"
    from dag
    where dag.dag_id = $1`,
  ({ dagId, runId, logicalAt }) => [dagId, runId, logicalAt],
);
