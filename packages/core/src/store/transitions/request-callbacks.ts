import type { DagCallback, TaskCallback } from '@tradewind/protocol';
import { defineStatement } from '../database.ts';

/** Callbacks of a task instance that got somewhere. */
export interface TaskCallbackRequest {
  readonly taskInstanceId: string;
  readonly epoch: number;
  readonly kind: TaskCallback;
  /** The state that the change leaves the task instance in; null for one that is followed by others in the same transaction. */
  readonly state: string | null;
  /** JSON of the protocol's CallbackContext. */
  readonly context: string;
}

/** Callbacks of a run that has ended. */
export interface DagCallbackRequest {
  readonly dagRunId: string;
  readonly kind: DagCallback;
  readonly state: 'success' | 'failed';
  /** JSON of the protocol's CallbackContext. */
  readonly context: string;
}

/**
 * (absent) → scheduled, for callbacks of task instances.
 *
 * Called by the tick that writes the change, right after it and in its transaction: a change that was refused (another epoch or state) asks for nothing, and one that is written is
 * never without its callbacks, also where the worker has died. Run twice: the id is a function of the attempt and the kind, and exists; of
 * `execute` it is one of the try, which may go on in several attempts.
 */
export const requestTaskCallbacks = defineStatement<{ id: string }, [now: number, requests: readonly TaskCallbackRequest[]]>(
  'request_task_callbacks',
  (d) => `
    insert into callback_request
      (id, scope, kind, dag_id, dag_run_id, run_id, task_id, map_index, try_number, context, bundle_version, file, state, created_at)
    select instance.id || case given.kind when 'execute' then '.try' || instance.try_number else '.' || given.epoch end || '.' || given.kind, 'task', given.kind, instance.dag_id, instance.dag_run_id, instance.run_id, instance.task_id,
      instance.map_index, instance.try_number, given.context, dag_run.bundle_version, coalesce(nullif(version.file, ''), dag.file), 'scheduled', $2
    from ${d.rows('$1', 'given', { id: 'text', epoch: 'bigint', kind: 'text', state: 'text', context: 'text' })}
    join task_instance as instance on instance.id = given.id and instance.epoch = given.epoch and (given.state is null or instance.state = given.state)
    join dag_run on dag_run.id = instance.dag_run_id
    join dag on dag.dag_id = instance.dag_id
    join dag_version as version on version.id = dag_run.dag_version_id
    where true
    on conflict (id) do nothing
    returning id`,
  (now, requests) => [JSON.stringify(requests.map(({ taskInstanceId, ...rest }) => ({ id: taskInstanceId, ...rest }))), now],
);

/**
 * (absent) → scheduled, for callbacks of runs.
 *
 * Called by the tick that ends the run, after that statement and in its transaction. Run twice: the id is a function of the run, how often it was cleared, and the kind.
 */
export const requestDagCallbacks = defineStatement<{ id: string }, [now: number, requests: readonly DagCallbackRequest[]]>(
  'request_dag_callbacks',
  (d) => `
    insert into callback_request
      (id, scope, kind, dag_id, dag_run_id, run_id, context, bundle_version, file, state, created_at)
    select dag_run.id || '.' || dag_run.clear_number || '.' || given.kind, 'dag', given.kind, dag_run.dag_id, dag_run.id, dag_run.run_id, given.context,
      dag_run.bundle_version, coalesce(nullif(version.file, ''), dag.file), 'scheduled', $2
    from ${d.rows('$1', 'given', { id: 'text', kind: 'text', state: 'text', context: 'text' })}
    join dag_run on dag_run.id = given.id and dag_run.state = given.state
    join dag on dag.dag_id = dag_run.dag_id
    join dag_version as version on version.id = dag_run.dag_version_id
    where true
    on conflict (id) do nothing
    returning id`,
  (now, requests) => [JSON.stringify(requests.map(({ dagRunId, ...rest }) => ({ id: dagRunId, ...rest }))), now],
);
