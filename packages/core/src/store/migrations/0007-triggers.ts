import type { Dialect } from '../database.ts';
import type { Migration } from './migration.ts';

/**
 * What waits and what is called back: triggers of deferred task instances, callbacks that changes of state ask for, deadlines of runs.
 *
 * A version's deadlines are a column that the database itself computes, so that everybody who stores a version, an older release included, fills it.
 */
export const triggers: Migration = {
  version: 7,
  name: 'triggers',
  statements: (dialect) => [
    `create table trigger (
      task_instance_id text not null,
      epoch integer not null,
      dag_run_id text not null,
      dag_id text not null,
      run_id text not null,
      task_id text not null,
      map_index integer not null,
      try_number integer not null,
      kind text not null,
      name text,
      args text,
      awaited_dag_id text,
      awaited_run_id text,
      bundle_version text not null,
      file text not null,
      state text not null,
      event text,
      triggerer_term bigint,
      created_at bigint not null,
      fired_at bigint,
      primary key (task_instance_id, epoch)
    )`,
    `create index trigger_waiting on trigger (triggerer_term, created_at) where state = 'waiting' and kind = 'code'`,
    `create index trigger_awaiting on trigger (awaited_dag_id, awaited_run_id) where state = 'waiting' and kind = 'dag_run'`,
    `create index trigger_fired on trigger (dag_run_id) where state = 'fired'`,
    `create table callback_request (
      id text primary key,
      scope text not null,
      kind text not null,
      dag_id text not null,
      dag_run_id text,
      run_id text,
      task_id text,
      map_index integer not null default -1,
      try_number integer,
      context text not null,
      bundle_version text not null,
      file text not null,
      state text not null,
      attempts integer not null default 0,
      triggerer_term bigint,
      failure text,
      created_at bigint not null,
      started_at bigint,
      ended_at bigint
    )`,
    `create index callback_request_open on callback_request (created_at, id) where state in ('scheduled', 'pending', 'queued', 'running')`,
    `create index callback_request_of_run on callback_request (dag_run_id)`,
    `create table deadline (
      id text primary key,
      dag_id text not null,
      dag_run_id text,
      logical_at bigint,
      name text not null,
      reference text not null,
      due_at bigint not null,
      missed_at bigint,
      created_at bigint not null
    )`,
    `create index deadline_due on deadline (due_at) where missed_at is null`,
    `create index deadline_of_run on deadline (dag_run_id)`,
    `alter table dag_run add column deadlines_of integer`,
    `alter table dag_version add column deadlines text ${DEADLINES_OF_VERSION[dialect]}`,
    `create index dag_version_with_deadlines on dag_version (id) where deadlines is not null`,
    `create index dag_run_without_deadlines on dag_run (dag_version_id) where state in ('queued', 'running') and coalesce(deadlines_of, -1) <> clear_number`,
  ],
};

const DEADLINES_OF_VERSION: Readonly<Record<Dialect, string>> = {
  sqlite: `generated always as (serialized ->> '$.deadlines') virtual`,
  postgres: `generated always as ((serialized::json) ->> 'deadlines') stored`,
};
