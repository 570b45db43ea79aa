import type { DagRunState, DagRunType } from '@tradewind/protocol';
import type { FoundTaskInstance } from '../model/run-change.ts';
import { defineStatement } from './database.ts';

/** Which runs of a dag an operation is about: one with those before and after it, those of a time, or some by their ids. */
export interface RunSelection {
  readonly dagId: string;
  readonly runId?: string | undefined;
  readonly past?: boolean | undefined;
  readonly future?: boolean | undefined;
  /** Milliseconds since the epoch, both inclusive; without a run id. */
  readonly startAt?: number | undefined;
  readonly endAt?: number | undefined;
  /** Exactly these runs, by their ids and not by their run ids. */
  readonly ids?: readonly string[] | undefined;
}

/** A run as it is stored. */
export interface StoredDagRun {
  readonly id: string;
  readonly dagId: string;
  readonly runId: string;
  readonly runType: DagRunType;
  readonly state: DagRunState;
  readonly revision: number;
  readonly dagVersionId: string;
  readonly logicalAt: number | null;
}

/** A task instance as it is stored, with its run. */
export interface StoredTaskInstanceOfRun extends FoundTaskInstance {
  readonly dagRunId: string;
}

/** Ids of a run and, where wanted, of those before and after it in the order in which they were due, which every run has. */
export const selectRunsAround = defineStatement<{ id: string }, [selection: RunSelection, most: number]>(
  'select_runs_around',
  () => `
    select run.id as id
    from dag_run as anchor
    join dag_run as run on run.dag_id = anchor.dag_id and (
      run.id = anchor.id
      or ($3 = 1 and (run.run_after_at, run.id) < (anchor.run_after_at, anchor.id))
      or ($4 = 1 and (run.run_after_at, run.id) > (anchor.run_after_at, anchor.id)))
    where anchor.dag_id = $1 and anchor.run_id = $2
    order by run.run_after_at, run.id
    limit $5`,
  ({ dagId, runId, past, future }, most) => [dagId, runId ?? '', Number(past ?? false), Number(future ?? false), most],
);

/** Ids of the runs of a time: by their logical date, or by when they were due where they have none. */
export const selectRunsBetween = defineStatement<{ id: string }, [selection: RunSelection, most: number]>(
  'select_runs_between',
  () => `
    select id from dag_run
    where dag_id = $1 and coalesce(logical_at, run_after_at) >= $2 and coalesce(logical_at, run_after_at) <= $3
    order by run_after_at, id
    limit $4`,
  ({ dagId, startAt, endAt }, most) => [dagId, startAt ?? Number.MIN_SAFE_INTEGER, endAt ?? Number.MAX_SAFE_INTEGER, most],
);

/** The runs with these ids, in the order in which they were due. */
export const selectStoredDagRuns = defineStatement<StoredDagRun, [dagRunIds: readonly string[]]>(
  'select_stored_dag_runs',
  (d) => `
    select run.id as id, run.dag_id as "dagId", run.run_id as "runId", run.run_type as "runType", run.state as state, run.revision as revision,
      run.dag_version_id as "dagVersionId", run.logical_at as "logicalAt"
    from ${d.rows('$1', 'wanted', { id: 'text' })}
    join dag_run as run on run.id = wanted.id
    order by run.run_after_at, run.id`,
  (dagRunIds) => [idList(dagRunIds)],
);

/** The task instances of these runs. */
export const selectTaskInstancesOfRuns = defineStatement<StoredTaskInstanceOfRun, [dagRunIds: readonly string[]]>(
  'select_task_instances_of_runs',
  (d) => `
    select instance.id as id, instance.dag_run_id as "dagRunId", instance.task_id as "taskId", instance.map_index as "mapIndex",
      instance.state as state, instance.epoch as epoch, instance.try_number as "tryNumber", instance.max_tries as "maxTries"
    from ${d.rows('$1', 'wanted', { id: 'text' })}
    join task_instance as instance on instance.dag_run_id = wanted.id
    order by instance.id`,
  (dagRunIds) => [idList(dagRunIds)],
);

/** A task of whichever run of a dag has a logical date. */
export interface TaskAtDate {
  readonly dagId: string;
  readonly taskId: string;
  readonly logicalAt: number;
}

/** Ids of the runs that have a task instance of such a task; `place` is that of the task in the list. */
export const selectRunsOfTasks = defineStatement<{ id: string; place: number }, [tasks: readonly TaskAtDate[]]>(
  'select_runs_of_tasks',
  (d) => `
    select run.id as id, wanted.place as place
    from ${d.rows('$1', 'wanted', { place: 'bigint', dag_id: 'text', task_id: 'text', logical_at: 'bigint' })}
    join dag_run as run on run.dag_id = wanted.dag_id and run.logical_at = wanted.logical_at
    where exists (select 1 from task_instance as instance where instance.dag_run_id = run.id and instance.task_id = wanted.task_id)
    order by wanted.place`,
  (tasks) => [
    JSON.stringify(tasks.map(({ dagId, taskId, logicalAt }, place) => ({ place, dag_id: dagId, task_id: taskId, logical_at: logicalAt }))),
  ],
);

/** The version that the next run of a dag will be on; nothing for an unknown dag. */
export const selectCurrentVersion = defineStatement<{ dagVersionId: string }, [dagId: string]>(
  'select_current_version',
  () => `select dag_version_id as "dagVersionId" from dag where dag_id = $1`,
  (dagId) => [dagId],
);

/** Serialized dags by version id. */
export const selectSerializedDags = defineStatement<{ id: string; serialized: string }, [dagVersionIds: readonly string[]]>(
  'select_serialized_dags',
  (d) => `
    select version.id as id, version.serialized as serialized
    from ${d.rows('$1', 'wanted', { id: 'text' })}
    join dag_version as version on version.id = wanted.id`,
  (dagVersionIds) => [idList(dagVersionIds)],
);

function idList(ids: readonly string[]): string {
  return JSON.stringify(ids.map((id) => ({ id })));
}
