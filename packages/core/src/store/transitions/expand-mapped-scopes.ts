import { defineStatement } from '../database.ts';
import { heldRun, inHeldRun } from './hold-dag-runs.ts';
import type { SchedulableTaskInstance } from './schedule-task-instances.ts';

/** A mapped task or group of a run whose number of task instances is decided. */
export interface ExpandedScope {
  readonly dagRunId: string;
  readonly scopeId: string;
  readonly length: number;
}

/**
 * (absent) → expanded.
 *
 * Called by the tick that expands a mapped task or group, so that whoever takes the run over knows how many task instances are still to be created. Needs the run to be held.
 * Run twice: the key keeps the first row.
 */
export const recordExpandedScopes = defineStatement<never, [tick: string, scopes: readonly ExpandedScope[]]>(
  'record_expanded_scopes',
  (d) => `
    insert into mapped_scope (dag_run_id, scope_id, length)
    select run.id, expanded.scope_id, expanded.length
    from ${d.rows('$2', 'expanded', { run: 'text', scope_id: 'text', length: 'bigint' })}
    join dag_run as run on run.id = expanded.run
    where ${heldRun('run', '$1')}
    on conflict (dag_run_id, scope_id) do nothing`,
  (tick, scopes) => [tick, JSON.stringify(scopes.map(({ dagRunId, scopeId, length }) => ({ run: dagRunId, scope_id: scopeId, length })))],
);

/**
 * none → none: the task instance that stood for the whole mapped task is its first.
 *
 * Called by the same tick. Needs the run to be held. Run twice: the map index no longer matches, no row changes.
 */
export const indexTaskInstances = defineStatement<{ id: string }, [tick: string, instances: readonly SchedulableTaskInstance[]]>(
  'index_task_instances',
  (d) => `
    update task_instance
    set map_index = 0
    from ${d.rows('$2', 'wanted', { id: 'text', epoch: 'bigint' })}
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state = 'none' and task_instance.map_index = -1
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, instances) => [tick, JSON.stringify(instances)],
);
