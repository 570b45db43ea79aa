import type { Migration } from './migration.ts';

/**
 * Assets beyond "an event of one asset is a run of one dag": what each dag describes (so that two that disagree are found), references and aliases, the queue in which
 * events wait until they complete a condition, several types of message for one watcher, inlets.
 */
export const assets: Migration = {
  version: 4,
  name: 'assets',
  statements(dialect) {
    const identity = dialect === 'sqlite' ? 'integer primary key autoincrement' : 'bigint generated always as identity primary key';
    const described =
      dialect === 'sqlite'
        ? `join json_each(version.serialized, '$.assets') as described`
        : // PostgreSQL has no NUL in text; what could be stored of such a uri is what `storableText` makes of it.
          `cross join lateral json_array_elements(replace(version.serialized, '\\u0000', '\\u2400')::json -> 'assets') as described(value)`;
    return [
      `create table dag_asset (
        id ${identity},
        dag_id text not null,
        name text not null,
        uri text not null,
        described_at bigint not null,
        unique (dag_id, name)
      )`,
      `create index dag_asset_by_name on dag_asset (name)`,
      `create index dag_asset_by_uri on dag_asset (uri)`,
      `insert into dag_asset (dag_id, name, uri, described_at)
        select dag.dag_id, described.value ->> 'name', described.value ->> 'uri', dag.parsed_at
        from dag join dag_version as version on version.id = dag.dag_version_id
        ${described}
        where dag.is_stale = 0
        order by dag.created_at, dag.dag_id`,
      `create table dag_schedule_reference (
        dag_id text not null,
        kind text not null,
        target text not null,
        primary key (dag_id, kind, target)
      )`,
      `create index dag_schedule_reference_by_target on dag_schedule_reference (kind, target)`,
      `create table asset_alias (
        id ${identity},
        name text not null unique,
        created_at bigint not null
      )`,
      `create table asset_alias_asset (
        asset_alias_id bigint not null references asset_alias (id),
        asset_id bigint not null references asset (id),
        primary key (asset_alias_id, asset_id)
      )`,
      `create index asset_alias_asset_by_asset on asset_alias_asset (asset_id)`,
      `create table asset_alias_event (
        asset_alias_id bigint not null references asset_alias (id),
        event_key text not null references asset_event (event_key),
        primary key (event_key, asset_alias_id)
      )`,
      `create table task_outlet_alias (
        dag_id text not null,
        task_id text not null,
        asset_alias_id bigint not null references asset_alias (id),
        primary key (dag_id, task_id, asset_alias_id)
      )`,
      `create table task_inlet_asset (
        dag_id text not null,
        task_id text not null,
        asset_id bigint not null references asset (id),
        primary key (dag_id, task_id, asset_id)
      )`,
      `create table asset_watcher_type (
        asset_id bigint not null references asset (id),
        subscription text not null references subscription (name),
        event_type text not null,
        primary key (asset_id, subscription, event_type)
      )`,
      `create table asset_queue (
        dag_id text primary key,
        is_collecting integer not null,
        drops_while_paused integer not null,
        last_position bigint not null default 0,
        last_queued_at bigint not null default 0,
        decided_position bigint not null default 0,
        due_at bigint,
        revision bigint not null default 0,
        claim text
      )`,
      `create table queued_asset_event (
        dag_id text not null,
        position bigint not null,
        event_key text not null references asset_event (event_key),
        asset_id bigint not null references asset (id),
        queued_at bigint not null,
        state text not null,
        run_request_id text,
        primary key (dag_id, position),
        unique (dag_id, event_key)
      )`,
      `create index queued_asset_event_pending on queued_asset_event (dag_id, asset_id, position) where state = 'pending'`,
      `create index queued_asset_event_by_event on queued_asset_event (event_key)`,
      `create index queued_asset_event_by_request on queued_asset_event (run_request_id) where run_request_id is not null`,
      `create index run_request_pending_of_dag on run_request (dag_id) where state = 'pending'`,
      `alter table dag add column stale_at bigint`,
    ];
  },
};
