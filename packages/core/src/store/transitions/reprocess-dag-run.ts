import { defineStatement, type SqlDialect, type Statement } from '../database.ts';
import { IS_ADVANCING } from './advance-backfill.ts';
import { insertTries } from './record-tries.ts';

/** A run that has ended and that a backfill runs again, as it was found. */
export interface ReprocessedDagRun {
  readonly id: string;
  readonly revision: number;
  /** Among the runs that are run again together, from 1. */
  readonly place: number;
  /** How many tries each task has, by task id, in the version that the run will be on. */
  readonly tries: Readonly<Record<string, number>>;
}

/**
 * The statements that run ended runs again as runs of a backfill, in the order in which they belong into the transaction. Its first one returns the runs that are.
 */
export function reprocessDagRuns(
  backfillId: number,
  runs: readonly ReprocessedDagRun[],
  now: number,
): readonly [Statement<{ id: string }>, Statement<never>, Statement<never>, Statement<never>, Statement<never>] {
  return [
    requeueForBackfill(backfillId, runs, now),
    recordReprocessedTries(backfillId, runs),
    resetReprocessedTaskInstances(backfillId, runs),
    deleteReprocessedValues(backfillId, runs),
    forgetReprocessedScopes(backfillId, runs),
  ];
}

/**
 * success | failed → queued, as a run of the backfill, with its conf where it has one, on the dag's current version or on its own.
 *
 * Refused where the run was changed since it was found, where a scheduler has not yet let go of it, and where the backfill was paused, cancelled or filled meanwhile. Locks the backfill (`lockBackfill`). Run twice:
 * the revision no longer matches, no row changes.
 */
const requeueForBackfill = defineStatement<{ id: string }, [backfillId: number, runs: readonly ReprocessedDagRun[], now: number]>(
  'requeue_for_backfill',
  (d) => `
    update dag_run
    set state = 'queued', run_type = 'backfill', triggered_by = 'backfill', triggering_user = backfill.triggering_user, backfill_id = backfill.id,
      conf = coalesce(backfill.conf, dag_run.conf), queued_at = $3, started_at = null, ended_at = null, end_reason = null, marked_state = null,
      clear_number = dag_run.clear_number + 1, revision = dag_run.revision + 1,
      dag_version_id = case when backfill.run_on_latest_version = 1 then dag.dag_version_id else dag_run.dag_version_id end,
      bundle_version = case when backfill.run_on_latest_version = 1 then dag.bundle_version else dag_run.bundle_version end
    from ${d.rows('$2', 'given', FOUND)}
    join backfill on backfill.id = $1
    join dag on dag.dag_id = backfill.dag_id
    where dag_run.id = given.id and dag_run.dag_id = backfill.dag_id and dag_run.revision = given.revision and dag_run.state in ('success', 'failed')
      and dag_run.scheduler_term is null
      and ${IS_ADVANCING}
      and given.place <= backfill.max_active_runs - (
        select count(*) from dag_run as active where active.backfill_id = backfill.id and active.state in ('queued', 'running')
      )
    returning dag_run.id as id`,
  (backfillId, runs, now) => [backfillId, foundAsJson(runs), now],
);

/** Copies the tries of the runs that the statement before has taken into the history. */
const recordReprocessedTries = defineStatement<never, [backfillId: number, runs: readonly ReprocessedDagRun[]]>(
  'record_reprocessed_tries',
  (d) =>
    insertTries(`
    from task_instance as instance
    where instance.dag_run_id in (${takenRuns(d)})`),
  (backfillId, runs) => [backfillId, foundAsJson(runs)],
);

/**
 * success | failed | skipped | upstream_failed | removed → none, in the runs that the first statement has taken; what their tries left behind them is off, their history stays. Each
 * may be tried as often again as its task says. Run twice: as the statement before.
 */
const resetReprocessedTaskInstances = defineStatement<never, [backfillId: number, runs: readonly ReprocessedDagRun[]]>(
  'reset_reprocessed_task_instances',
  (d) => `
    update task_instance
    set state = 'none', epoch = task_instance.epoch + 1, losses = 0, scheduled_at = null, queued_at = null, started_at = null, ended_at = null,
      retry_at = null, executor = null, hostname = null, pid = null, failure = null, map_index_label = null, decision = null,
      first_started_at = null, reschedules = 0, deferral = null, resumption = null,
      max_tries = task_instance.try_number + coalesce(
        (select wanted.tries from ${d.rows('$3', 'wanted', { run: 'text', task_id: 'text', tries: 'bigint' })}
         where wanted.run = task_instance.dag_run_id and wanted.task_id = task_instance.task_id), 1)
    where task_instance.dag_run_id in (${takenRuns(d)})
      and task_instance.state in ('success', 'failed', 'skipped', 'upstream_failed', 'removed')`,
  (backfillId, runs) => [backfillId, foundAsJson(runs), JSON.stringify(runs.flatMap(triesOf))],
);

/** Removes the values of the runs that were taken: a value is there only while the task instance that made it stands. */
const deleteReprocessedValues = defineStatement<never, [backfillId: number, runs: readonly ReprocessedDagRun[]]>(
  'delete_reprocessed_values',
  (d) => `delete from xcom where xcom.dag_run_id in (${takenRuns(d)})`,
  (backfillId, runs) => [backfillId, foundAsJson(runs)],
);

/** expanded → (absent), in the runs that were taken: what is mapped is expanded anew. */
const forgetReprocessedScopes = defineStatement<never, [backfillId: number, runs: readonly ReprocessedDagRun[]]>(
  'forget_reprocessed_scopes',
  (d) => `delete from mapped_scope where mapped_scope.dag_run_id in (${takenRuns(d)})`,
  (backfillId, runs) => [backfillId, foundAsJson(runs)],
);

const FOUND = { id: 'text', revision: 'bigint', place: 'bigint' } as const;

/** The given runs that this transaction has taken: the revision is one higher than it was found. */
function takenRuns(d: SqlDialect): string {
  return `
      select run.id from ${d.rows('$2', 'given', FOUND)}
      join dag_run as run on run.id = given.id and run.revision = given.revision + 1
      where run.backfill_id = $1 and run.state = 'queued'`;
}

function foundAsJson(runs: readonly ReprocessedDagRun[]): string {
  return JSON.stringify(runs.map(({ id, revision, place }) => ({ id, revision, place })));
}

function triesOf({ id, tries }: ReprocessedDagRun): { run: string; task_id: string; tries: number }[] {
  return Object.entries(tries).map(([taskId, count]) => ({ run: id, task_id: taskId, tries: count }));
}
