import type { TriggerSpec } from '@tradewind/protocol';
import { defineStatement } from '../database.ts';

/** A task instance that a tick has deferred, and what it waits for. */
export interface NewTrigger {
  readonly taskInstanceId: string;
  /** The epoch at which it is deferred: with the task instance the trigger's name. */
  readonly epoch: number;
  readonly trigger: Exclude<TriggerSpec, { readonly kind: 'timer' }>;
}

/**
 * (absent) → waiting.
 *
 * Called by the tick that defers the task instances, after that statement and in its transaction: where the deferral was refused, there is nothing to wait for
 * and no row. Locks nothing. Run twice: the row exists.
 */
export const createTriggers = defineStatement<{ id: string }, [now: number, triggers: readonly NewTrigger[]]>(
  'create_triggers',
  (d) => `
    insert into trigger
      (task_instance_id, epoch, dag_run_id, dag_id, run_id, task_id, map_index, try_number, kind, name, args, awaited_dag_id, awaited_run_id, bundle_version, file,
       state, created_at)
    select instance.id, instance.epoch, instance.dag_run_id, instance.dag_id, instance.run_id, instance.task_id, instance.map_index, instance.try_number,
      given.kind, given.name, given.args, given.awaited_dag_id, given.awaited_run_id, dag_run.bundle_version, coalesce(nullif(version.file, ''), dag.file), 'waiting', $2
    from ${d.rows('$1', 'given', {
      id: 'text',
      epoch: 'bigint',
      kind: 'text',
      name: 'text',
      args: 'text',
      awaited_dag_id: 'text',
      awaited_run_id: 'text',
    })}
    join task_instance as instance on instance.id = given.id and instance.epoch = given.epoch and instance.state = 'deferred'
    join dag_run on dag_run.id = instance.dag_run_id
    join dag on dag.dag_id = instance.dag_id
    join dag_version as version on version.id = dag_run.dag_version_id
    where true
    on conflict (task_instance_id, epoch) do nothing
    returning task_instance_id as id`,
  (now, triggers) => [JSON.stringify(triggers.map(rowOf)), now],
);

function rowOf({ taskInstanceId, epoch, trigger }: NewTrigger): Readonly<Record<string, string | number>> {
  const attempt = { id: taskInstanceId, epoch, kind: trigger.kind };
  return trigger.kind === 'code'
    ? { ...attempt, name: trigger.name, args: trigger.argsJson }
    : { ...attempt, awaited_dag_id: trigger.dagId, awaited_run_id: trigger.runId };
}
