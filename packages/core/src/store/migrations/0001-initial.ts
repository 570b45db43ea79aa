import type { Migration } from './migration.ts';

/**
 * The first schema. Rows that a tick inserts (task instances, their history, values) name their parents without a foreign key: the statements insert them
 * by joining the parent, and a check by the database would cost a lock for each.
 */
export const initial: Migration = {
  version: 1,
  name: 'initial',
  statements(dialect) {
    const identity = dialect === 'sqlite' ? 'integer primary key autoincrement' : 'bigint generated always as identity primary key';
    // A run and its task instances are changed several times within milliseconds: with room on the page a change touches no index.
    const roomForUpdates = dialect === 'sqlite' ? '' : ' with (fillfactor = 50)';
    return [
      `create table job (
        id ${identity},
        kind text not null,
        hostname text not null,
        pid integer not null,
        started_at bigint not null,
        heartbeat_at bigint not null,
        expires_at bigint not null,
        ended_at bigint
      )`,
      `create index job_live on job (kind) where ended_at is null`,
      `create table dag_version (
        id text primary key,
        dag_id text not null,
        version_number integer not null,
        content_hash text not null,
        bundle_version text not null,
        serialized text not null,
        created_at bigint not null,
        unique (dag_id, version_number)
      )`,
      `create table dag (
        dag_id text primary key,
        file text not null,
        is_paused integer not null,
        is_stale integer not null,
        dag_version_id text not null references dag_version (id),
        bundle_version text not null,
        display_name text,
        description text,
        owner text,
        tags text not null,
        schedule text not null,
        schedule_summary text,
        catchup integer not null,
        max_active_runs integer not null,
        max_active_tasks integer not null,
        next_run_at bigint,
        parsed_at bigint not null,
        parse_ms bigint not null,
        created_at bigint not null
      )`,
      `create index dag_due on dag (next_run_at) where next_run_at is not null`,
      `create table dag_file (
        path text primary key,
        content_hash text not null,
        dependencies text not null,
        warnings text not null,
        parsed_at bigint not null
      )`,
      `create table import_error (
        id ${identity},
        path text not null unique,
        message text not null,
        line integer,
        column_number integer,
        excerpt text,
        stack text,
        created_at bigint not null
      )`,
      `create table dag_run (
        id text primary key,
        dag_id text not null,
        run_id text not null,
        run_type text not null,
        state text not null,
        triggered_by text not null,
        triggering_user text,
        conf text not null,
        note text,
        logical_at bigint,
        interval_start_at bigint,
        interval_end_at bigint,
        run_after_at bigint not null,
        queued_at bigint not null,
        started_at bigint,
        ended_at bigint,
        dag_version_id text not null references dag_version (id),
        bundle_version text not null,
        scheduler_term bigint,
        revision integer not null default 0,
        held_by_tick text,
        last_scheduled_at bigint,
        unique (dag_id, run_id)
      )${roomForUpdates}`,
      `create unique index dag_run_slot on dag_run (dag_id, logical_at) where logical_at is not null`,
      `create index dag_run_queued on dag_run (dag_id, run_after_at, id) where state = 'queued'`,
      `create index dag_run_running on dag_run (dag_id, scheduler_term) where state = 'running'`,
      `create index dag_run_newest on dag_run (dag_id, run_after_at, id)`,
      `create table task_instance (
        id text primary key,
        dag_run_id text not null,
        dag_id text not null,
        run_id text not null,
        task_id text not null,
        map_index integer not null,
        state text not null,
        epoch integer not null,
        try_number integer not null,
        max_tries integer not null,
        losses integer not null,
        operator text not null,
        scheduled_at bigint,
        queued_at bigint,
        started_at bigint,
        ended_at bigint,
        retry_at bigint,
        executor text,
        hostname text,
        pid integer,
        failure text,
        unique (dag_run_id, task_id, map_index)
      )${roomForUpdates}`,
      `create table task_instance_history (
        task_instance_id text not null,
        epoch integer not null,
        try_number integer not null,
        state text not null,
        scheduled_at bigint,
        queued_at bigint,
        started_at bigint,
        ended_at bigint,
        executor text,
        hostname text,
        pid integer,
        failure text,
        primary key (task_instance_id, epoch)
      )`,
      `create table xcom (
        dag_run_id text not null,
        task_id text not null,
        map_index integer not null,
        key text not null,
        value text not null,
        created_at bigint not null,
        primary key (dag_run_id, task_id, map_index, key)
      )`,
      `create table asset (
        id ${identity},
        name text not null unique,
        uri text not null,
        asset_group text not null,
        extra text,
        event_type text not null,
        publish text,
        created_at bigint not null,
        updated_at bigint not null
      )`,
      `create table subscription (
        name text primary key,
        transport text not null,
        source text not null,
        is_active integer not null,
        state text not null,
        reason text,
        changed_at bigint not null,
        last_poll_at bigint,
        last_message_at bigint
      )`,
      `create table asset_watcher (
        asset_id bigint not null references asset (id),
        subscription text not null references subscription (name),
        event_type text,
        primary key (asset_id, subscription)
      )`,
      `create table dag_schedule_asset (
        dag_id text not null,
        asset_id bigint not null references asset (id),
        primary key (dag_id, asset_id)
      )`,
      `create table task_outlet_asset (
        dag_id text not null,
        task_id text not null,
        asset_id bigint not null references asset (id),
        primary key (dag_id, task_id, asset_id)
      )`,
      `create table inbox (
        id text primary key,
        subscription text not null,
        dedupe_key text not null,
        status text not null,
        reason text,
        message_id text not null,
        body text not null,
        attributes text not null,
        event_id text,
        event_source text,
        event_type text,
        received_at bigint not null,
        duplicates integer not null default 0,
        last_duplicate_at bigint,
        unique (subscription, dedupe_key)
      )`,
      `create index inbox_newest on inbox (subscription, id)`,
      `create index inbox_of_status on inbox (subscription, status, id)`,
      `create table asset_event (
        id ${identity},
        event_key text not null unique,
        asset_id bigint not null references asset (id),
        extra text not null,
        occurred_at bigint not null,
        source_dag_id text,
        source_task_id text,
        source_run_id text,
        source_map_index integer not null default -1,
        inbox_id text references inbox (id)
      )`,
      `create index asset_event_of_asset on asset_event (asset_id, id)`,
      `create table dag_run_asset_event (
        dag_run_id text not null,
        event_key text not null references asset_event (event_key),
        primary key (dag_run_id, event_key)
      )`,
      `create index dag_run_asset_event_by_event on dag_run_asset_event (event_key)`,
      `create table run_request (
        id text primary key,
        dag_id text not null,
        run_id text not null,
        event_key text not null references asset_event (event_key),
        inbox_id text references inbox (id),
        conf text not null,
        state text not null,
        reason text,
        requested_at bigint not null,
        claimed_term bigint,
        unique (dag_id, run_id)
      )`,
      `create index run_request_pending on run_request (id) where state = 'pending'`,
      `create index run_request_of_message on run_request (inbox_id, state)`,
      `create table outbox (
        id text primary key,
        asset_name text not null,
        target text not null,
        envelope text not null,
        state text not null,
        attempts integer not null default 0,
        last_error text,
        created_at bigint not null,
        next_attempt_at bigint not null,
        sent_at bigint
      )`,
      `create index outbox_pending on outbox (next_attempt_at) where state = 'pending'`,
      `create index outbox_newest on outbox (created_at, id)`,
    ];
  },
};
