import { defineStatement } from '../database.ts';

/** A deadline that has passed, with what its callback learns of the run. */
export interface DueDeadline {
  readonly id: string;
  readonly dagId: string;
  readonly name: string;
  readonly dueAt: number;
  readonly dagRunId: string;
  readonly runId: string;
  readonly logicalAt: number | null;
  readonly intervalStartAt: number | null;
  readonly intervalEndAt: number | null;
  readonly runAfterAt: number;
  /** JSON object. */
  readonly conf: string;
  /** JSON of the protocol's SerializedDag. */
  readonly serialized: string;
}

/** A dag whose next scheduled run has a deadline that counts from its logical date, whether or not the run is ever created. */
export interface DagWithDeadlines {
  readonly dagId: string;
  readonly nextRunAt: number;
  /** JSON of the protocol's SerializedSchedule. */
  readonly schedule: string;
  /** JSON list of the protocol's SerializedDeadline. */
  readonly deadlines: string;
  /** JSON record of the dag's params. */
  readonly params: string;
}

/** A deadline of a run that should exist and does not. */
export interface DeadlineOfExpectedRun {
  readonly id: string;
  readonly dagId: string;
  readonly logicalAt: number;
  readonly expectedNextRunAt: number;
  readonly name: string;
  readonly dueAt: number;
}

/** When the next deadline of a run is due; null where there is none. */
export const selectNextDeadline = defineStatement<{ at: number | null }, []>(
  'select_next_deadline',
  () => `select min(due_at) as at from deadline where missed_at is null`,
  () => [],
);

/** The dags that are on, whose next scheduled run is known, and that have deadlines. */
export const selectDagsWithDeadlines = defineStatement<DagWithDeadlines, []>(
  'select_dags_with_deadlines',
  (d) => `
    select dag.dag_id as "dagId", dag.next_run_at as "nextRunAt", dag.schedule as schedule, version.deadlines as deadlines,
      ${d.dialect === 'postgres' ? `(version.serialized::json ->> 'params')` : `version.serialized ->> '$.params'`} as params
    from dag_version as version
    cross join dag
    where version.deadlines is not null and dag.dag_version_id = version.id
      and dag.next_run_at is not null and dag.is_paused = 0 and dag.is_stale = 0`,
  () => [],
);

/** The deadlines that have passed, earliest first. `pruneDeadlines` comes before it: what is left was missed. */
export const selectDueDeadlines = defineStatement<DueDeadline, [now: number, most: number]>(
  'select_due_deadlines',
  () => `
    select deadline.id as id, deadline.dag_id as "dagId", deadline.name as name, deadline.due_at as "dueAt", run.id as "dagRunId", run.run_id as "runId",
      run.logical_at as "logicalAt", run.interval_start_at as "intervalStartAt", run.interval_end_at as "intervalEndAt",
      run.run_after_at as "runAfterAt", run.conf as conf, version.serialized as serialized
    from deadline
    join dag_run as run on run.id = deadline.dag_run_id
    join dag_version as version on version.id = run.dag_version_id
    where deadline.missed_at is null and deadline.due_at <= $1
    order by deadline.due_at, deadline.id
    limit $2`,
  (now, most) => [now, most],
);

/**
 * waiting → missed.
 *
 * Called by any scheduler when deadlines have passed. Does nothing to the run. One that succeeded in time has met its deadline, however late anybody looks. Run twice, or by two schedulers: it is
 * missed already.
 */
export const missDeadlines = defineStatement<{ id: string }, [now: number, ids: readonly string[]]>(
  'miss_deadlines',
  (d) => `
    update deadline
    set missed_at = $1
    from ${d.rows('$2', 'given', { id: 'text' })}
    where deadline.id = given.id and deadline.missed_at is null and deadline.due_at <= $1
      and not exists (select 1 from dag_run as run where run.id = deadline.dag_run_id and run.state = 'success' and run.ended_at <= deadline.due_at)
    returning deadline.id as id`,
  (now, ids) => [now, JSON.stringify(ids.map((id) => ({ id })))],
);

/**
 * (absent) → missed, for a run that should exist by now: its dag is on, it is still the dag's next run, and nobody has created it.
 *
 * Called by any scheduler. The id names dag, logical date and deadline, so the run finds its deadline missed when it is created after all. Run twice: the row exists.
 */
export const missDeadlinesOfExpectedRuns = defineStatement<{ id: string }, [now: number, missed: readonly DeadlineOfExpectedRun[]]>(
  'miss_deadlines_of_expected_runs',
  (d) => `
    insert into deadline (id, dag_id, logical_at, name, reference, due_at, missed_at, created_at)
    select given.id, given.dag_id, given.logical_at, given.name, 'dag_run_logical_date', given.due_at, $1, $1
    from ${d.rows('$2', 'given', { id: 'text', dag_id: 'text', logical_at: 'bigint', next_run_at: 'bigint', name: 'text', due_at: 'bigint' })}
    join dag on dag.dag_id = given.dag_id and dag.next_run_at = given.next_run_at and dag.is_paused = 0 and dag.is_stale = 0
    where given.due_at <= $1
      and not exists (select 1 from dag_run as run where run.dag_id = given.dag_id and run.logical_at = given.logical_at)
    on conflict (id) do nothing
    returning id`,
  (now, missed) => [
    now,
    JSON.stringify(
      missed.map(({ id, dagId, logicalAt, expectedNextRunAt, name, dueAt }) => ({
        id,
        dag_id: dagId,
        logical_at: logicalAt,
        next_run_at: expectedNextRunAt,
        name,
        due_at: dueAt,
      })),
    ),
  ],
);

/** What the callback of a missed deadline is called with. */
export interface DeadlineCallbackRequest {
  readonly deadlineId: string;
  /** JSON of the protocol's CallbackContext. */
  readonly context: string;
}

/**
 * (absent) → scheduled, for the callbacks of deadlines that are missed. After `missDeadlines` and its like in the same transaction. Run twice: the id is a function of the deadline and when it was
 * due, so a deadline that moved because its run was cleared may be missed, and told, once more.
 */
export const requestDeadlineCallbacks = defineStatement<{ id: string }, [now: number, requests: readonly DeadlineCallbackRequest[]]>(
  'request_deadline_callbacks',
  (d) => `
    insert into callback_request (id, scope, kind, dag_id, dag_run_id, run_id, context, bundle_version, file, state, created_at)
    select 'deadline.' || deadline.id || '.' || deadline.due_at, 'deadline', deadline.name, deadline.dag_id, deadline.dag_run_id, run.run_id, given.context,
      coalesce(run.bundle_version, dag.bundle_version), coalesce(nullif(version.file, ''), dag.file), 'scheduled', $2
    from ${d.rows('$1', 'given', { id: 'text', context: 'text' })}
    join deadline on deadline.id = given.id and deadline.missed_at is not null
    join dag on dag.dag_id = deadline.dag_id
    left join dag_run as run on run.id = deadline.dag_run_id
    join dag_version as version on version.id = coalesce(run.dag_version_id, dag.dag_version_id)
    where true
    on conflict (id) do nothing
    returning id`,
  (now, requests) => [JSON.stringify(requests.map(({ deadlineId, context }) => ({ id: deadlineId, context }))), now],
);
