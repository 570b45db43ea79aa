import { defineStatement } from '../database.ts';
import { inHeldRun } from './hold-dag-runs.ts';

/** A task instance for which a slot seems to be free. */
export interface QueueableTaskInstance {
  readonly id: string;
  readonly epoch: number;
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
 * locks of `lockPools` and `lockLimitedDags`; of the task instances in one tick those before count too. Run twice: the state no longer matches, no row changes.
 */
export const queueTaskInstances = defineStatement<
  { id: string },
  [tick: string, now: number, executor: string, instances: readonly QueueableTaskInstance[]]
>(
  'queue_task_instances',
  (d) => `
    with candidate as materialized (
      select wanted.id, wanted.epoch, wanted.max_per_dag, instance.pool, instance.dag_id, instance.task_id,
        sum(instance.pool_slots) over (partition by instance.pool order by wanted.place) as asked,
        row_number() over (partition by instance.dag_id, instance.task_id order by wanted.place) as place
      from ${d.rows('$4', 'wanted', { id: 'text', epoch: 'bigint', max_per_dag: 'bigint', place: 'bigint' })}
      join task_instance as instance on instance.id = wanted.id and instance.epoch = wanted.epoch and instance.state = 'scheduled'
      join dag on dag.dag_id = instance.dag_id and dag.is_paused = 0
      where ${inHeldRun('instance', '$1')}
    ), room as materialized (
      select pool.name, case when pool.slots < 0 then null else pool.slots - ${occupiedSlots('pool')} end as slots
      from pool
      where pool.name in (select candidate.pool from candidate)
    )
    update task_instance
    set state = 'queued', queued_at = $2, executor = $3
    from (
      select candidate.id, candidate.epoch
      from candidate
      join room on room.name = candidate.pool
      where (room.slots is null or candidate.asked <= room.slots)
        and (candidate.max_per_dag is null or candidate.place <= candidate.max_per_dag - (
          select count(*) from task_instance as busy
          where busy.dag_id = candidate.dag_id and busy.task_id = candidate.task_id and busy.occupied_pool is not null and busy.state <> 'deferred'
        ))
    ) as granted
    where task_instance.id = granted.id and task_instance.epoch = granted.epoch and task_instance.state = 'scheduled'
    returning task_instance.id as id`,
  (tick, now, executor, instances) => [
    tick,
    now,
    executor,
    JSON.stringify(instances.map(({ id, epoch, maxPerDag }, place) => ({ id, epoch, max_per_dag: maxPerDag, place }))),
  ],
);

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
export const selectQueueRefusals = defineStatement<QueueRefusal, [instances: readonly QueueableTaskInstance[]]>(
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
