import type { Migration } from './migration.ts';

/**
 * Slots are counted by a column that changes only when a slot is taken or given back. PostgreSQL writes a row anew into every index of its table as soon as one column changes that some index mentions,
 * its condition included: with the state in a condition, that was every transition of every task instance.
 */
export const occupiedPools: Migration = {
  version: 11,
  name: 'occupied pools',
  statements: (dialect) => [
    `drop index task_instance_in_pool`,
    `drop index task_instance_occupying`,
    `alter table task_instance add column keeps_slot integer not null default 0`,
    `update task_instance set keeps_slot = 1
      where state = 'deferred' and exists (select 1 from pool where pool.name = task_instance.pool and pool.include_deferred = 1)`,
    // SQLite adds only columns that take no room in the rows that are there.
    `alter table task_instance add column occupied_pool text generated always as (
      case when state in ('queued', 'running', 'restarting') or (state = 'deferred' and keeps_slot = 1) then pool end
    ) ${dialect === 'sqlite' ? 'virtual' : 'stored'}`,
    `create index task_instance_in_pool on task_instance (occupied_pool, pool_slots) where occupied_pool is not null`,
    `create index task_instance_occupying on task_instance (dag_id, task_id) where occupied_pool is not null`,
    // Room for what is written anew to stay on its page, and out of the indexes.
    ...(dialect === 'postgres' ? [`alter table task_instance set (fillfactor = 70)`] : []),
  ],
};
