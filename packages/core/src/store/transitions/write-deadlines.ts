import type { DeadlineReference } from '@tradewind/protocol';
import { defineStatement } from '../database.ts';

/** A run whose deadlines are not written, or not since it was last cleared. */
export interface RunWithoutDeadlines {
  readonly id: string;
  readonly dagId: string;
  readonly logicalAt: number | null;
  readonly queuedAt: number;
  readonly clearNumber: number;
  /** JSON list of the protocol's SerializedDeadline. */
  readonly deadlines: string;
}

/** A deadline as it is written. Times are milliseconds since the epoch. */
export interface WrittenDeadline {
  readonly id: string;
  readonly dagRunId: string;
  readonly logicalAt: number | null;
  readonly name: string;
  readonly reference: DeadlineReference['kind'];
  readonly dueAt: number;
}

/** The unfinished runs whose deadlines are to be written, whoever created or cleared them. */
export const selectRunsWithoutDeadlines = defineStatement<RunWithoutDeadlines, [most: number]>(
  'select_runs_without_deadlines',
  () => `
    select run.id as id, run.dag_id as "dagId", run.logical_at as "logicalAt", run.queued_at as "queuedAt", run.clear_number as "clearNumber",
      version.deadlines as deadlines
    from dag_version as version
    cross join dag_run as run
    where version.deadlines is not null and run.dag_version_id = version.id and run.state in ('queued', 'running')
      and coalesce(run.deadlines_of, -1) <> run.clear_number
    order by run.id
    limit $1`,
  (most) => [most],
);

/** How long the last successful runs of a dag took; `maxRuns` of them at most. */
export interface RecentRuntime {
  readonly dagId: string;
  readonly maxRuns: number;
  readonly runs: number;
  readonly averageMs: number | null;
}

/** Reads how long the dags' last runs took, as average_runtime asks. */
export const selectRecentRuntimes = defineStatement<
  RecentRuntime,
  [wanted: readonly { readonly dagId: string; readonly maxRuns: number }[]]
>(
  'select_recent_runtimes',
  (d) => `
    select recent.dag_id as "dagId", recent.max_runs as "maxRuns", count(*) as runs,
      cast(round(avg(recent.took)) as ${d.dialect === 'postgres' ? 'bigint' : 'integer'}) as "averageMs"
    from (
      select given.dag_id, given.max_runs, ended.ended_at - ended.started_at as took,
        row_number() over (partition by given.dag_id, given.max_runs order by ended.run_after_at desc, ended.id desc) as place
      from ${d.rows('$1', 'given', { dag_id: 'text', max_runs: 'bigint' })}
      join dag_run as ended on ended.dag_id = given.dag_id and ended.state = 'success' and ended.started_at is not null and ended.ended_at is not null
    ) as recent
    where recent.place <= recent.max_runs
    group by recent.dag_id, recent.max_runs`,
  (wanted) => [JSON.stringify(wanted.map(({ dagId, maxRuns }) => ({ dag_id: dagId, max_runs: maxRuns })))],
);

/**
 * (absent) → waiting, and for a run that was cleared: missed | waiting → waiting until another time, where the deadline counts from the queueing.
 *
 * Called by the scheduler for runs that were created or cleared. The run must be unfinished and as often cleared as the caller saw it. A deadline that was missed before its run existed gets its
 * run. Run twice: the same rows.
 */
export const writeDeadlines = defineStatement<
  { id: string },
  [now: number, runs: readonly { readonly id: string; readonly clearNumber: number }[], deadlines: readonly WrittenDeadline[]]
>(
  'write_deadlines',
  (d) => `
    insert into deadline (id, dag_id, dag_run_id, logical_at, name, reference, due_at, created_at)
    select given.id, run.dag_id, run.id, given.logical_at, given.name, given.reference, given.due_at, $3
    from ${d.rows('$2', 'given', { id: 'text', run: 'text', logical_at: 'bigint', name: 'text', reference: 'text', due_at: 'bigint' })}
    join ${d.rows('$1', 'seen', { id: 'text', clear_number: 'bigint' })} on seen.id = given.run
    join dag_run as run on run.id = given.run and run.clear_number = seen.clear_number and run.state in ('queued', 'running')
      and coalesce(run.deadlines_of, -1) <> run.clear_number
    where true
    on conflict (id) do update set
      dag_run_id = excluded.dag_run_id,
      due_at = case when excluded.reference in ('dag_run_queued_at', 'average_runtime') then excluded.due_at else deadline.due_at end,
      missed_at = case when excluded.reference in ('dag_run_queued_at', 'average_runtime') then null else deadline.missed_at end
    returning id`,
  (now, runs, deadlines) => [
    JSON.stringify(runs.map(({ id, clearNumber }) => ({ id, clear_number: clearNumber }))),
    JSON.stringify(
      deadlines.map(({ id, dagRunId, logicalAt, name, reference, dueAt }) => ({
        id,
        run: dagRunId,
        logical_at: logicalAt,
        name,
        reference,
        due_at: dueAt,
      })),
    ),
    now,
  ],
);

/** Notes that the deadlines of runs are written. After `writeDeadlines` in the same transaction. Run twice: they are. */
export const noteDeadlinesWritten = defineStatement<
  { id: string },
  [runs: readonly { readonly id: string; readonly clearNumber: number }[]]
>(
  'note_deadlines_written',
  (d) => `
    update dag_run
    set deadlines_of = seen.clear_number
    from ${d.rows('$1', 'seen', { id: 'text', clear_number: 'bigint' })}
    where dag_run.id = seen.id and dag_run.clear_number = seen.clear_number
    returning dag_run.id as id`,
  (runs) => [JSON.stringify(runs.map(({ id, clearNumber }) => ({ id, clear_number: clearNumber })))],
);

/**
 * waiting → (absent), for deadlines of runs that succeeded in time, and of runs that are gone.
 *
 * Called by the tick that ends the runs (its transaction), and by whoever looks for missed ones: what else made a run succeed needs not think of deadlines. Run twice: they are gone.
 * @param dagRunIds only these; null for every deadline that is due at `now`
 */
export const pruneDeadlines = defineStatement<{ id: string }, [now: number, dagRunIds: readonly string[] | null]>(
  'prune_deadlines',
  (d) => `
    delete from deadline
    where missed_at is null and dag_run_id is not null
      and (($2 = 1 and dag_run_id in (select given.id from ${d.rows('$3', 'given', { id: 'text' })})) or ($2 = 0 and due_at <= $1))
      and (exists (select 1 from dag_run as run where run.id = deadline.dag_run_id and run.state = 'success' and run.ended_at <= deadline.due_at)
        or not exists (select 1 from dag_run as run where run.id = deadline.dag_run_id))
    returning id`,
  (now, dagRunIds) => [now, dagRunIds === null ? 0 : 1, JSON.stringify((dagRunIds ?? []).map((id) => ({ id })))],
);

/** A row where some dag or some run has deadlines; none where nobody uses them. */
export const areDeadlinesUsed = defineStatement<{ isUsed: number }, []>(
  'are_deadlines_used',
  () => `
    select 1 as "isUsed" where exists (select 1 from dag_version where deadlines is not null)
      or exists (select 1 from deadline where missed_at is null)`,
  () => [],
);
