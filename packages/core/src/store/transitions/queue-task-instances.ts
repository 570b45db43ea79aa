import { defineStatement, type SqlDialect } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';
import { BEGIN_ATTEMPT, type ScheduledTaskInstance } from './schedule-task-instances.ts';

/** A task instance for which a slot seems to be free. */
export interface QueueableTaskInstance {
  readonly id: string;
  readonly epoch: number;
  /** As the version of the dag says that its run is on; the row follows. */
  readonly pool: string;
  readonly poolSlots: number;
  readonly dagId: string;
  readonly taskId: string;
  /** The task's own limit over all runs of the dag; null where it has none. */
  readonly maxPerDag: number | null;
}

/**
 * Locks what limits the task instances that a tick queues, in the order of their names: the pools, and the dags of tasks with a limit of their own. Of two schedulers each then
 * counts what the other has queued. Comes before `queueTaskInstances` in the same transaction. SQLite's single writer needs no lock.
 */
export const lockPools = defineStatement<never, [pools: readonly string[]]>(
  'lock_pools',
  (d) => `
    select name from pool
    where name in (select wanted.name from ${d.rows('$1', 'wanted', { name: 'text' })}) and slots >= 0
    order by name ${d.forUpdate}`,
  (pools) => [JSON.stringify(pools.map((name) => ({ name })))],
);

/** See `lockPools`. */
export const lockLimitedDags = defineStatement<never, [dagIds: readonly string[]]>(
  'lock_limited_dags',
  (d) => `
    select dag_id from dag
    where dag_id in (select wanted.name from ${d.rows('$1', 'wanted', { name: 'text' })})
    order by dag_id ${d.forUpdate}`,
  (dagIds) => [JSON.stringify(dagIds.map((name) => ({ name })))],
);

/**
 * scheduled → queued.
 *
 * Called by the tick that found a free slot; the attempt is handed to the executor after the commit. Needs the run to be held, and refuses while the dag is paused, where
 * the pool has not enough free slots or does not exist, and where the task has as many task instances at work in all runs of the dag as it may. What is at work is counted from rows, once for each pool, under the
 * locks of `lockPools` and `lockLimitedDags`; of the task instances in one tick those before count too, also where one of them is refused. Run twice: the state no longer matches, no row changes.
 */
export const queueTaskInstances = defineStatement<
  { id: string },
  [tick: string, now: number, executor: string, instances: readonly QueueableTaskInstance[]]
>(
  'queue_task_instances',
  (d) => `
    ${askingForSlots(d)}
    update task_instance
    set state = 'queued', queued_at = $2, executor = $3, pool = wanted.pool, pool_slots = wanted.slots
    from wanted
    where wanted.is_granted = 1 and task_instance.id = wanted.id and task_instance.epoch = wanted.epoch and task_instance.state = 'scheduled'
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id`,
  (tick, now, executor, instances) => [tick, now, executor, ...slotsAsked(instances)],
);

/** A task instance whose time has come, and for which a slot seems to be free. */
export type BeginningTaskInstance = QueueableTaskInstance & ScheduledTaskInstance;

/**
 * none | up_for_retry | up_for_reschedule → scheduled → queued at once, or only → scheduled where there is no slot after all.
 *
 * What `scheduleTaskInstances` and `queueTaskInstances` do one after the other, with the same rules, in one change of the row. Not for what was deferred: the slots that it waits for may be those
 * that it keeps itself until it is scheduled. The epoch given is the one before. Run twice: the epoch no longer matches, no row changes.
 */
export const scheduleAndQueueTaskInstances = defineStatement<
  { id: string; state: 'scheduled' | 'queued' },
  [tick: string, now: number, executor: string, instances: readonly BeginningTaskInstance[]]
>(
  'schedule_and_queue_task_instances',
  (d) => `
    ${askingForSlots(d)}
    update task_instance
    set state = case wanted.is_granted when 1 then 'queued' else 'scheduled' end, queued_at = case wanted.is_granted when 1 then cast($2 as bigint) end,
      executor = case wanted.is_granted when 1 then $3 else task_instance.executor end, pool = wanted.pool, pool_slots = wanted.slots,
      ${BEGIN_ATTEMPT}
    from wanted
    where task_instance.id = wanted.id and task_instance.epoch = wanted.epoch
      and task_instance.state in ('none', 'up_for_retry', 'up_for_reschedule')
      and ${inHeldRun('task_instance', '$1')}
    returning task_instance.id as id, task_instance.state as state`,
  (tick, now, executor, instances) => [tick, now, executor, ...slotsAsked(instances)],
);

/** The list `wanted` of those that ask for slots ($4, of the pools $5), each with `is_granted`, 1 or 0. */
function askingForSlots(d: SqlDialect): string {
  return `
    with room as materialized (
      select pool.name, case when pool.slots < 0 then null else pool.slots - ${occupiedSlots('pool')} end as slots
      from pool
      where pool.name in (select named.name from ${d.rows('$5', 'named', { name: 'text' })})
    ), wanted as materialized (
      select asking.*, case
        when room.name is not null and (select dag.is_paused from dag where dag.dag_id = asking.dag_id) = 0
          and (room.slots is null or asking.asked <= room.slots)
          and (asking.max_per_dag is null or asking.place <= asking.max_per_dag - (
            select count(*) from task_instance as busy
            where busy.dag_id = asking.dag_id and busy.task_id = asking.task_id and busy.occupied_pool is not null and busy.state <> 'deferred'
          ))
        then 1 else 0 end as is_granted
      from ${d.rows('$4', 'asking', ASKING)}
      left join room on room.name = asking.pool
    )`;
}

const ASKING = {
  id: 'text',
  epoch: 'bigint',
  dag_id: 'text',
  task_id: 'text',
  pool: 'text',
  slots: 'bigint',
  asked: 'bigint',
  max_per_dag: 'bigint',
  place: 'bigint',
  raises_try: 'bigint',
  resumption: 'text',
} as const;

/** The values of `askingForSlots`: what each asks of its pool and of its task's limit together with those before it, and the pools. */
function slotsAsked(instances: readonly (QueueableTaskInstance & Partial<ScheduledTaskInstance>)[]): [rows: string, pools: string] {
  const sums = new Map<string, number>();
  const add = (key: string, more: number): number => {
    const sum = (sums.get(key) ?? 0) + more;
    sums.set(key, sum);
    return sum;
  };
  const rows = instances.map(({ id, epoch, dagId, taskId, pool, poolSlots: slots, maxPerDag, raisesTry, resumption }) => ({
    id,
    epoch,
    dag_id: dagId,
    task_id: taskId,
    pool,
    slots,
    asked: add(`pool ${pool}`, slots),
    max_per_dag: maxPerDag,
    place: maxPerDag === null ? 0 : add(`task ${dagId} ${taskId}`, 1),
    raises_try: raisesTry ?? 0,
    resumption: resumption ?? null,
  }));
  const pools = new Set(instances.map(({ pool }) => pool));
  return [JSON.stringify(rows), JSON.stringify(Array.from(pools, (name) => ({ name })))];
}

/** The slots of a pool that are taken; `pool` is the alias of its row. Those that are deferred are among them only where the pool counts them: there may be a hundred thousand. */
function occupiedSlots(pool: string): string {
  return `(
    select coalesce(sum(occupying.pool_slots), 0) from task_instance as occupying
    where occupying.occupied_pool = ${pool}.name
  )`;
}

/**
 * Whether a task instance that is deferred now keeps its slots, as 1 or 0; they are then found under `occupied_pool`.
 * @param instance alias of its row
 */
export function keepsSlot(instance: string): string {
  return `coalesce((select pool.include_deferred from pool where pool.name = ${instance}.pool), 0)`;
}

/** Why a task instance was not queued. */
export interface QueueRefusal {
  readonly id: string;
  readonly reason: 'paused' | 'limit' | 'pool' | 'unknown_pool';
}

/** Looks after the fact why task instances are still scheduled. For what is tried next, not for what is true. */
export const selectQueueRefusals = defineStatement<
  QueueRefusal,
  [instances: readonly Pick<QueueableTaskInstance, 'id' | 'epoch' | 'maxPerDag'>[]]
>(
  'select_queue_refusals',
  (d) => `
    select instance.id as id, case
      when dag.is_paused = 1 then 'paused'
      when pool.name is null then 'unknown_pool'
      when pool.slots >= 0 and instance.pool_slots > pool.slots - ${occupiedSlots('pool')} then 'pool'
      when wanted.max_per_dag is not null then 'limit'
      else 'pool' end as reason
    from ${d.rows('$1', 'wanted', { id: 'text', epoch: 'bigint', max_per_dag: 'bigint' })}
    join task_instance as instance on instance.id = wanted.id and instance.epoch = wanted.epoch and instance.state = 'scheduled'
    join dag on dag.dag_id = instance.dag_id
    left join pool on pool.name = instance.pool`,
  (instances) => [JSON.stringify(instances.map(({ id, epoch, maxPerDag }) => ({ id, epoch, max_per_dag: maxPerDag })))],
);
