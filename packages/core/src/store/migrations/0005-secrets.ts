import type { Migration } from './migration.ts';

/**
 * Variables and connections with their secret columns sealed, the keys that they are sealed with, what tries were given of them, and what templates became.
 */
export const secrets: Migration = {
  version: 5,
  name: 'secrets',
  statements: () => [
    `create table data_key (
      id text primary key,
      wrapped text not null,
      master_key_id text not null,
      created_at bigint not null
    )`,
    `create table variable (
      key text primary key,
      value text not null,
      description text,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    `create table connection (
      conn_id text primary key,
      conn_type text not null,
      description text,
      host text,
      schema_name text,
      login text,
      password text,
      port integer,
      extra text,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    `create table secret_fetch (
      task_instance_id text not null,
      epoch integer not null,
      kind text not null,
      name text not null,
      dag_id text not null,
      run_id text not null,
      task_id text not null,
      map_index integer not null,
      try_number integer not null,
      outcome text not null,
      source text,
      fetches integer not null,
      first_at bigint not null,
      last_at bigint not null,
      primary key (task_instance_id, epoch, kind, name)
    )`,
    `create index secret_fetch_of_name on secret_fetch (kind, name, last_at)`,
    `create table rendered_task_instance_fields (
      task_instance_id text not null,
      try_number integer not null,
      dag_run_id text not null,
      dag_id text not null,
      task_id text not null,
      fields text not null,
      rendered_at bigint not null,
      primary key (task_instance_id, try_number)
    )`,
    `create index rendered_fields_of_task on rendered_task_instance_fields (dag_id, task_id, rendered_at)`,
    // A value that a try pushed itself ends with the try; null for what a task returned.
    `alter table xcom add column try_number integer`,
  ],
};
