import type { Migration } from './migration.ts';

/**
 * What the whole scheduling model needs: pools, priorities and queues, the choices of branches, mapped scopes, deferrals and reschedules, runs that are cleared.
 */
export const engine: Migration = {
  version: 2,
  name: 'engine',
  statements: (dialect) => [
    `create table pool (
      name text primary key,
      slots bigint not null,
      description text not null,
      include_deferred integer not null
    )`,
    `insert into pool (name, slots, description, include_deferred) values ('default_pool', 128, 'Default pool', 0)`,
    `create table mapped_scope (
      dag_run_id text not null,
      scope_id text not null,
      length bigint not null,
      primary key (dag_run_id, scope_id)
    )`,
    ...COLUMNS.map((column) => `alter table ${column}`),
    `create index task_instance_in_pool on task_instance (pool) where state in ('queued', 'running', 'restarting', 'deferred')`,
    `create index task_instance_occupying on task_instance (dag_id, task_id) where state in ('queued', 'running', 'restarting')`,
    `create index dag_run_changed on dag_run (scheduler_term) where state = 'running' and revision <> seen_revision`,
    ...(dialect === 'postgres' ? [`analyze pool`] : []),
  ],
};

const COLUMNS: readonly string[] = [
  `task_instance add column pool text not null default 'default_pool'`,
  `task_instance add column pool_slots integer not null default 1`,
  `task_instance add column priority_weight bigint not null default 1`,
  `task_instance add column queue text not null default 'default'`,
  `task_instance add column map_index_label text`,
  `task_instance add column decision text`,
  `task_instance add column first_started_at bigint`,
  `task_instance add column reschedules integer not null default 0`,
  `task_instance add column deferral text`,
  `task_instance add column resumption text`,
  `task_instance add column note text`,
  `task_instance_history add column pool text not null default 'default_pool'`,
  `task_instance_history add column pool_slots integer not null default 1`,
  `task_instance_history add column priority_weight bigint not null default 1`,
  `task_instance_history add column queue text not null default 'default'`,
  `task_instance_history add column map_index_label text`,
  `task_instance_history add column note text`,
  `dag_run add column clear_number integer not null default 0`,
  `dag_run add column seen_revision integer not null default 0`,
  `dag_run add column end_reason text`,
];
