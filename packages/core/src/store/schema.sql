-- The schema on SQLite after every migration. Written by testing/dump-schema.ts; change the migrations, not this file.

CREATE TABLE asset (
  id integer primary key autoincrement,
  name text not null unique,
  uri text not null,
  asset_group text not null,
  extra text,
  event_type text not null,
  publish text,
  created_at bigint not null,
  updated_at bigint not null
);

CREATE TABLE asset_alias (
  id integer primary key autoincrement,
  name text not null unique,
  created_at bigint not null
);

CREATE TABLE asset_alias_asset (
  asset_alias_id bigint not null references asset_alias (id),
  asset_id bigint not null references asset (id),
  primary key (asset_alias_id, asset_id)
);

CREATE INDEX asset_alias_asset_by_asset on asset_alias_asset (asset_id);

CREATE TABLE asset_alias_event (
  asset_alias_id bigint not null references asset_alias (id),
  event_key text not null references asset_event (event_key),
  primary key (event_key, asset_alias_id)
);

CREATE TABLE asset_event (
  id integer primary key autoincrement,
  event_key text not null unique,
  asset_id bigint not null references asset (id),
  extra text not null,
  occurred_at bigint not null,
  source_dag_id text,
  source_task_id text,
  source_run_id text,
  source_map_index integer not null default -1,
  inbox_id text references inbox (id)
);

CREATE INDEX asset_event_of_asset on asset_event (asset_id, id);

CREATE TABLE asset_queue (
  dag_id text primary key,
  is_collecting integer not null,
  drops_while_paused integer not null,
  last_position bigint not null default 0,
  last_queued_at bigint not null default 0,
  decided_position bigint not null default 0,
  due_at bigint,
  revision bigint not null default 0,
  claim text
);

CREATE TABLE asset_watcher (
  asset_id bigint not null references asset (id),
  subscription text not null references subscription (name),
  event_type text,
  primary key (asset_id, subscription)
);

CREATE TABLE asset_watcher_type (
  asset_id bigint not null references asset (id),
  subscription text not null references subscription (name),
  event_type text not null,
  primary key (asset_id, subscription, event_type)
);

CREATE TABLE backfill (
  id integer primary key autoincrement,
  request_id text not null unique,
  dag_id text not null,
  from_at bigint not null,
  to_at bigint not null,
  conf text,
  is_paused integer not null,
  is_backwards integer not null,
  reprocess_behavior text not null,
  max_active_runs integer not null,
  run_on_latest_version integer not null,
  dag_version_id text not null references dag_version (id),
  bundle_version text not null,
  triggered_by text not null,
  triggering_user text,
  created_at bigint not null,
  updated_at bigint not null,
  completed_at bigint
);

CREATE UNIQUE INDEX backfill_active on backfill (dag_id) where completed_at is null;

CREATE INDEX backfill_of_dag on backfill (dag_id, id);

CREATE TABLE backfill_dag_run (
  backfill_id bigint not null references backfill (id),
  sort_ordinal integer not null,
  logical_at bigint not null,
  interval_start_at bigint not null,
  interval_end_at bigint not null,
  run_after_at bigint not null,
  dag_run_id text,
  exception_reason text,
  primary key (backfill_id, sort_ordinal)
);

CREATE INDEX backfill_dag_run_pending on backfill_dag_run (backfill_id, sort_ordinal) where dag_run_id is null and exception_reason is null;

CREATE TABLE callback_request (
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
);

CREATE INDEX callback_request_of_run on callback_request (dag_run_id);

CREATE INDEX callback_request_open on callback_request (created_at, id) where state in ('scheduled', 'pending', 'queued', 'running');

CREATE TABLE connection (
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
);

CREATE TABLE dag (
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
      , stale_at bigint, bundle_name text not null default 'dags-folder');

CREATE INDEX dag_by_file on dag (file);

CREATE INDEX dag_due on dag (next_run_at) where next_run_at is not null;

CREATE TABLE dag_asset (
  id integer primary key autoincrement,
  dag_id text not null,
  name text not null,
  uri text not null,
  described_at bigint not null,
  unique (dag_id, name)
);

CREATE INDEX dag_asset_name_uri on dag_asset (name, uri, id);

CREATE INDEX dag_asset_uri_name on dag_asset (uri, name, id);

CREATE TABLE dag_file (
  path text primary key,
  content_hash text not null,
  dependencies text not null,
  warnings text not null,
  parsed_at bigint not null
);

CREATE TABLE dag_run (
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
  last_scheduled_at bigint, clear_number integer not null default 0, seen_revision integer not null default 0, end_reason text, backfill_id bigint, deadlines_of integer, marked_state text,
  unique (dag_id, run_id)
);

CREATE INDEX dag_run_changed on dag_run (scheduler_term) where state = 'running' and revision <> seen_revision;

CREATE INDEX dag_run_ended on dag_run (ended_at) where ended_at is not null;

CREATE INDEX dag_run_marked on dag_run (scheduler_term) where state in ('success', 'failed') and scheduler_term is not null;

CREATE INDEX dag_run_newest on dag_run (dag_id, run_after_at, id);

CREATE INDEX dag_run_of_backfill on dag_run (backfill_id, state) where backfill_id is not null;

CREATE INDEX dag_run_of_version on dag_run (dag_version_id);

CREATE INDEX dag_run_queued on dag_run (dag_id, run_after_at, id) where state = 'queued';

CREATE INDEX dag_run_running on dag_run (dag_id, scheduler_term) where state = 'running';

CREATE UNIQUE INDEX dag_run_slot on dag_run (dag_id, logical_at) where logical_at is not null;

CREATE INDEX dag_run_without_deadlines on dag_run (dag_version_id) where state in ('queued', 'running') and coalesce(deadlines_of, -1) <> clear_number;

CREATE TABLE dag_run_asset_event (
  dag_run_id text not null,
  event_key text not null references asset_event (event_key),
  primary key (dag_run_id, event_key)
);

CREATE INDEX dag_run_asset_event_by_event on dag_run_asset_event (event_key);

CREATE TABLE dag_schedule_asset (
  dag_id text not null,
  asset_id bigint not null references asset (id),
  primary key (dag_id, asset_id)
);

CREATE INDEX dag_schedule_asset_by_asset on dag_schedule_asset (asset_id, dag_id);

CREATE TABLE dag_schedule_reference (
  dag_id text not null,
  kind text not null,
  target text not null,
  primary key (dag_id, kind, target)
);

CREATE INDEX dag_schedule_reference_by_target on dag_schedule_reference (kind, target);

CREATE TABLE dag_version (
  id text primary key,
  dag_id text not null,
  version_number integer not null,
  content_hash text not null,
  bundle_version text not null,
  serialized text not null,
  created_at bigint not null, bundle_name text not null default 'dags-folder', file text not null default '', deadlines text,
  unique (dag_id, version_number)
);

CREATE INDEX dag_version_with_deadlines on dag_version (id) where deadlines is not null;

CREATE TABLE data_key (
  id text primary key,
  wrapped text not null,
  master_key_id text not null,
  created_at bigint not null
);

CREATE TABLE deadline (
  id text primary key,
  dag_id text not null,
  dag_run_id text,
  logical_at bigint,
  name text not null,
  reference text not null,
  due_at bigint not null,
  missed_at bigint,
  created_at bigint not null
);

CREATE INDEX deadline_due on deadline (due_at) where missed_at is null;

CREATE INDEX deadline_of_run on deadline (dag_run_id);

CREATE TABLE import_error (
  id integer primary key autoincrement,
  path text not null unique,
  message text not null,
  line integer,
  column_number integer,
  excerpt text,
  stack text,
  created_at bigint not null
);

CREATE TABLE inbox (
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
);

CREATE INDEX inbox_newest on inbox (subscription, id);

CREATE INDEX inbox_of_status on inbox (subscription, status, id);

CREATE TABLE job (
  id integer primary key autoincrement,
  kind text not null,
  hostname text not null,
  pid integer not null,
  started_at bigint not null,
  heartbeat_at bigint not null,
  expires_at bigint not null,
  ended_at bigint
);

CREATE INDEX job_live on job (kind) where ended_at is null;

CREATE TABLE mapped_scope (
  dag_run_id text not null,
  scope_id text not null,
  length bigint not null,
  primary key (dag_run_id, scope_id)
);

CREATE TABLE outbox (
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
);

CREATE INDEX outbox_newest on outbox (created_at, id);

CREATE INDEX outbox_pending on outbox (next_attempt_at) where state = 'pending';

CREATE TABLE pool (
  name text primary key,
  slots bigint not null,
  description text not null,
  include_deferred integer not null
);

CREATE TABLE queued_asset_event (
  dag_id text not null,
  position bigint not null,
  event_key text not null references asset_event (event_key),
  asset_id bigint not null references asset (id),
  queued_at bigint not null,
  state text not null,
  run_request_id text,
  primary key (dag_id, position),
  unique (dag_id, event_key)
);

CREATE INDEX queued_asset_event_by_event on queued_asset_event (event_key);

CREATE INDEX queued_asset_event_by_request on queued_asset_event (run_request_id) where run_request_id is not null;

CREATE INDEX queued_asset_event_pending on queued_asset_event (dag_id, asset_id, position) where state = 'pending';

CREATE TABLE rendered_task_instance_fields (
  task_instance_id text not null,
  try_number integer not null,
  dag_run_id text not null,
  dag_id text not null,
  task_id text not null,
  fields text not null,
  rendered_at bigint not null,
  primary key (task_instance_id, try_number)
);

CREATE INDEX rendered_fields_of_task on rendered_task_instance_fields (dag_id, task_id, rendered_at);

CREATE TABLE run_request (
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
);

CREATE INDEX run_request_claimed on run_request (claimed_term) where claimed_term is not null;

CREATE INDEX run_request_of_message on run_request (inbox_id, state);

CREATE INDEX run_request_pending on run_request (id) where state = 'pending';

CREATE INDEX run_request_pending_of_dag on run_request (dag_id) where state = 'pending';

CREATE TABLE schema_migration (version integer primary key, name text not null, applied_at bigint not null);

CREATE TABLE secret_fetch (
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
);

CREATE INDEX secret_fetch_of_name on secret_fetch (kind, name, last_at);

CREATE TABLE subscription (
  name text primary key,
  transport text not null,
  source text not null,
  is_active integer not null,
  state text not null,
  reason text,
  changed_at bigint not null,
  last_poll_at bigint,
  last_message_at bigint
);

CREATE TABLE task_inlet_asset (
  dag_id text not null,
  task_id text not null,
  asset_id bigint not null references asset (id),
  primary key (dag_id, task_id, asset_id)
);

CREATE TABLE task_instance (
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
  failure text, pool text not null default 'default_pool', pool_slots integer not null default 1, priority_weight bigint not null default 1, queue text not null default 'default', map_index_label text, decision text, first_started_at bigint, reschedules integer not null default 0, deferral text, resumption text, note text, keeps_slot integer not null default 0, occupied_pool text generated always as (
case when state in ('queued', 'running', 'restarting') or (state = 'deferred' and keeps_slot = 1) then pool end
    ) virtual,
  unique (dag_run_id, task_id, map_index)
);

CREATE INDEX task_instance_in_pool on task_instance (occupied_pool, pool_slots) where occupied_pool is not null;

CREATE INDEX task_instance_occupying on task_instance (dag_id, task_id) where occupied_pool is not null;

CREATE TABLE task_instance_history (
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
  failure text, pool text not null default 'default_pool', pool_slots integer not null default 1, priority_weight bigint not null default 1, queue text not null default 'default', map_index_label text, note text,
  primary key (task_instance_id, epoch)
);

CREATE TABLE task_outlet_alias (
  dag_id text not null,
  task_id text not null,
  asset_alias_id bigint not null references asset_alias (id),
  primary key (dag_id, task_id, asset_alias_id)
);

CREATE TABLE task_outlet_asset (
  dag_id text not null,
  task_id text not null,
  asset_id bigint not null references asset (id),
  primary key (dag_id, task_id, asset_id)
);

CREATE TABLE timetable_stock (
  dag_id text primary key,
  bundle_version text not null,
  runs text not null,
  is_exhausted integer not null,
  problem text,
  evaluated_at bigint not null
);

CREATE TABLE trigger (
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
);

CREATE INDEX trigger_awaiting on trigger (awaited_dag_id, awaited_run_id) where state = 'waiting' and kind = 'dag_run';

CREATE INDEX trigger_fired on trigger (dag_run_id) where state = 'fired';

CREATE INDEX trigger_waiting on trigger (triggerer_term, created_at) where state = 'waiting' and kind = 'code';

CREATE TABLE variable (
  key text primary key,
  value text not null,
  description text,
  created_at bigint not null,
  updated_at bigint not null
);

CREATE TABLE xcom (
  dag_run_id text not null,
  task_id text not null,
  map_index integer not null,
  key text not null,
  value text not null,
  created_at bigint not null, try_number integer, offloaded text,
  primary key (dag_run_id, task_id, map_index, key)
);
