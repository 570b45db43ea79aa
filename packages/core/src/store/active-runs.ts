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
  readonly startedAt: number | null;
  readonly firstStartedAt: number | null;
  readonly reschedules: number;
  /** JSON of the protocol's TryDecision, Deferral and Resumption. */
  readonly decision: string | null;
  readonly deferral: string | null;
  readonly resumption: string | null;
  readonly mapIndexLabel: string | null;
}

const RUN_IDS = { id: 'text' } as const;

/** The task instances of the runs, by run. */
export const selectTaskInstances = defineStatement<StoredTaskInstance, [dagRunIds: readonly string[]]>(
  'select_task_instances',
  (d) => `
    select instance.id as id, instance.dag_run_id as "dagRunId", instance.task_id as "taskId", instance.map_index as "mapIndex",
      instance.state as state, instance.epoch as epoch, instance.try_number as "tryNumber", instance.max_tries as "maxTries",
      instance.losses as losses, instance.retry_at as "retryAt", instance.started_at as "startedAt", instance.first_started_at as "firstStartedAt",
      instance.reschedules as reschedules, instance.decision as decision, instance.deferral as deferral, instance.resumption as resumption,
      instance.map_index_label as "mapIndexLabel"
    from ${d.rows('$1', 'wanted', RUN_IDS)}
    join task_instance as instance on instance.dag_run_id = wanted.id
    order by instance.dag_run_id, instance.id`,
  (dagRunIds) => [idList(dagRunIds)],
);

/**
 * The runs among those named that are running and held by the term, as they stand now; notes that the holder has seen them so.
 *
 * running → running. Run twice: they are returned twice.
 */
export const selectHeldDagRuns = defineStatement<ActiveDagRun, [term: number, dagRunIds: readonly string[]]>(
  'select_held_dag_runs',
  (d) => `
    update dag_run
    set seen_revision = dag_run.revision
    from ${d.rows('$2', 'wanted', RUN_IDS)}
    where dag_run.id = wanted.id and dag_run.state = 'running' and dag_run.scheduler_term = $1
    returning ${ACTIVE_DAG_RUN_COLUMNS}`,
  (term, dagRunIds) => [term, idList(dagRunIds)],
);

/** The runs of the term that somebody else has changed since the scheduler read them. */
export const selectChangedDagRuns = defineStatement<{ id: string }, [term: number]>(
  'select_changed_dag_runs',
  () => `select id from dag_run where scheduler_term = $1 and state = 'running' and revision <> seen_revision order by id`,
  (term) => [term],
);

/** How many task instances the mapped tasks and groups of the runs have. */
export const selectMappedScopes = defineStatement<{ dagRunId: string; scopeId: string; length: number }, [dagRunIds: readonly string[]]>(
  'select_mapped_scopes',
  (d) => `
    select scope.dag_run_id as "dagRunId", scope.scope_id as "scopeId", scope.length as length
    from ${d.rows('$1', 'wanted', RUN_IDS)}
    join mapped_scope as scope on scope.dag_run_id = wanted.id`,
  (dagRunIds) => [idList(dagRunIds)],
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
    where dag_run.state = 'running' and dag_run.scheduler_term = $1 and dag_run.id not in (select known.id from ${d.rows('$2', 'known', RUN_IDS)})`,
  (term, known) => [term, idList(known)],
);

/** Serialized dags by version id, each with the file that defined it then; the dag may have moved to another one since. */
export const selectDagVersions = defineStatement<{ id: string; file: string; serialized: string }, [dagVersionIds: readonly string[]]>(
  'select_dag_versions',
  (d) => `
    select version.id as id, version.serialized as serialized, case when version.file = '' then dag.file else version.file end as file
    from ${d.rows('$1', 'wanted', RUN_IDS)}
    join dag_version as version on version.id = wanted.id
    join dag on dag.dag_id = version.dag_id`,
  (dagVersionIds) => [idList(dagVersionIds)],
);

/** The bundle versions that an unfinished run is on, or one that ended lately and may be cleared, or that a dag's next run will be on. */
export const selectBundleVersionsInUse = defineStatement<{ bundleVersion: string }, [endedSince: number]>(
  'select_bundle_versions_in_use',
  () => `
    select bundle_version as "bundleVersion" from dag_run where state in ('queued', 'running') or ended_at >= $1
    union
    select bundle_version from dag where is_stale = 0`,
  (endedSince) => [endedSince],
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

/** Values that tasks returned, as JSON text, by map index. */
export const selectReturnValues = defineStatement<
  { dagRunId: string; taskId: string; mapIndex: number; value: string; offloaded: string | null },
  [wanted: readonly { readonly dagRunId: string; readonly taskId: string }[]]
>(
  'select_return_values',
  (d) => `
    select xcom.dag_run_id as "dagRunId", xcom.task_id as "taskId", xcom.map_index as "mapIndex", xcom.value as value,
      xcom.offloaded as offloaded
    from ${d.rows('$1', 'wanted', { run: 'text', task: 'text' })}
    join xcom on xcom.dag_run_id = wanted.run and xcom.task_id = wanted.task and xcom.key = 'return_value'`,
  (wanted) => [JSON.stringify(wanted.map(({ dagRunId, taskId }) => ({ run: dagRunId, task: taskId })))],
);

/** All pools. */
export const selectPools = defineStatement<{ name: string; slots: number; includeDeferred: number }, []>(
  'select_pools',
  () => `select name, slots, include_deferred as "includeDeferred" from pool`,
  () => [],
);

function idList(ids: readonly string[]): string {
  return JSON.stringify(ids.map((id) => ({ id })));
}
