import type { TaskInstanceState } from '@tradewind/protocol';
import { defineStatement } from './database.ts';
import { ACTIVE_DAG_RUN_COLUMNS, type ActiveDagRun } from './transitions/start-dag-runs.ts';

/** What the scheduler keeps in memory of a task instance. */
export interface StoredTaskInstance {
  readonly id: string;
  readonly dagRunId: string;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly state: TaskInstanceState;
  readonly epoch: number;
  readonly tryNumber: number;
  readonly maxTries: number;
  readonly losses: number;
  readonly retryAt: number | null;
}

const RUN_IDS = { id: 'text' } as const;

/** The task instances of the runs, by run. */
export const selectTaskInstances = defineStatement<StoredTaskInstance, [dagRunIds: readonly string[]]>(
  'select_task_instances',
  (d) => `
    select instance.id as id, instance.dag_run_id as "dagRunId", instance.task_id as "taskId", instance.map_index as "mapIndex",
      instance.state as state, instance.epoch as epoch, instance.try_number as "tryNumber", instance.max_tries as "maxTries",
      instance.losses as losses, instance.retry_at as "retryAt"
    from ${d.rows('$1', 'wanted', RUN_IDS)}
    join task_instance as instance on instance.dag_run_id = wanted.id
    order by instance.dag_run_id, instance.id`,
  (dagRunIds) => [idList(dagRunIds)],
);

/** The runs among those named that are running and held by the term, as they stand now. */
export const selectHeldDagRuns = defineStatement<ActiveDagRun, [term: number, dagRunIds: readonly string[]]>(
  'select_held_dag_runs',
  (d) => `
    select ${ACTIVE_DAG_RUN_COLUMNS}
    from ${d.rows('$2', 'wanted', RUN_IDS)}
    join dag_run on dag_run.id = wanted.id
    where dag_run.state = 'running' and dag_run.scheduler_term = $1`,
  (term, dagRunIds) => [term, idList(dagRunIds)],
);

/**
 * The running runs that the term holds and the scheduler does not know of: the answer to the transaction that took them was lost. Those in `known` are
 * left out.
 */
export const selectUnknownDagRuns = defineStatement<ActiveDagRun, [term: number, known: readonly string[]]>(
  'select_unknown_dag_runs',
  (d) => `
    select ${ACTIVE_DAG_RUN_COLUMNS}
    from dag_run
    left join ${d.rows('$2', 'known', RUN_IDS)} on known.id = dag_run.id
    where dag_run.state = 'running' and dag_run.scheduler_term = $1 and known.id is null`,
  (term, known) => [term, idList(known)],
);

/** When the next scheduled run of any dag is due, and which dags are due now. */
export const selectDueDags = defineStatement<
  { dagId: string; nextRunAt: number; schedule: string; serialized: string },
  [now: number, most: number]
>(
  'select_due_dags',
  () => `
    select dag.dag_id as "dagId", dag.next_run_at as "nextRunAt", dag.schedule as schedule, version.serialized as serialized
    from dag join dag_version as version on version.id = dag.dag_version_id
    where dag.next_run_at <= $1 and dag.is_paused = 0 and dag.is_stale = 0
    order by dag.next_run_at, dag.dag_id
    limit $2`,
  (now, most) => [now, most],
);

/** The earliest due time after `now` of a dag that is on; null where there is none. */
export const selectNextDueAt = defineStatement<{ at: number | null }, [now: number]>(
  'select_next_due_at',
  () => `select min(next_run_at) as at from dag where next_run_at > $1 and is_paused = 0 and is_stale = 0`,
  (now) => [now],
);

/** Serialized dags by version id, with the file that defines each. */
export const selectDagVersions = defineStatement<{ id: string; file: string; serialized: string }, [dagVersionIds: readonly string[]]>(
  'select_dag_versions',
  (d) => `
    select version.id as id, version.serialized as serialized, dag.file as file
    from ${d.rows('$1', 'wanted', RUN_IDS)}
    join dag_version as version on version.id = wanted.id
    join dag on dag.dag_id = version.dag_id`,
  (dagVersionIds) => [idList(dagVersionIds)],
);

/** The bundle versions that an unfinished run is on, or that a dag's next run will be on. */
export const selectBundleVersionsInUse = defineStatement<{ bundleVersion: string }, []>(
  'select_bundle_versions_in_use',
  () => `
    select bundle_version as "bundleVersion" from dag_run where state in ('queued', 'running')
    union
    select bundle_version from dag where is_stale = 0`,
  () => [],
);

/** The asset events behind runs, oldest first. */
export const selectTriggeringEvents = defineStatement<
  {
    dagRunId: string;
    assetName: string;
    occurredAt: number;
    extra: string;
    eventId: string | null;
    eventSource: string | null;
    eventType: string | null;
  },
  [dagRunIds: readonly string[]]
>(
  'select_triggering_events',
  (d) => `
    select link.dag_run_id as "dagRunId", asset.name as "assetName", event.occurred_at as "occurredAt", event.extra as extra,
      inbox.event_id as "eventId", inbox.event_source as "eventSource", inbox.event_type as "eventType"
    from ${d.rows('$1', 'wanted', RUN_IDS)}
    join dag_run_asset_event as link on link.dag_run_id = wanted.id
    join asset_event as event on event.event_key = link.event_key
    join asset on asset.id = event.asset_id
    left join inbox on inbox.id = event.inbox_id
    order by event.id`,
  (dagRunIds) => [idList(dagRunIds)],
);

/** Values of tasks, as JSON text. */
export const selectReturnValues = defineStatement<
  { dagRunId: string; taskId: string; value: string },
  [wanted: readonly { readonly dagRunId: string; readonly taskId: string }[]]
>(
  'select_return_values',
  (d) => `
    select xcom.dag_run_id as "dagRunId", xcom.task_id as "taskId", xcom.value as value
    from ${d.rows('$1', 'wanted', { run: 'text', task: 'text' })}
    join xcom on xcom.dag_run_id = wanted.run and xcom.task_id = wanted.task and xcom.map_index = -1 and xcom.key = 'return_value'`,
  (wanted) => [JSON.stringify(wanted.map(({ dagRunId, taskId }) => ({ run: dagRunId, task: taskId })))],
);

function idList(ids: readonly string[]): string {
  return JSON.stringify(ids.map((id) => ({ id })));
}
