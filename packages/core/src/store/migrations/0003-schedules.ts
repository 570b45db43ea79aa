import type { Migration } from './migration.ts';

/** Backfills with a row for each of their dates, and the runs that the code of a timetable has named ahead of time. */
export const schedules: Migration = {
  version: 3,
  name: 'schedules',
  statements(dialect) {
    const identity = dialect === 'sqlite' ? 'integer primary key autoincrement' : 'bigint generated always as identity primary key';
    return [
      `create table backfill (
        id ${identity},
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
      )`,
      `create unique index backfill_active on backfill (dag_id) where completed_at is null`,
      `create index backfill_of_dag on backfill (dag_id, id)`,
      `create table backfill_dag_run (
        backfill_id bigint not null references backfill (id),
        sort_ordinal integer not null,
        logical_at bigint not null,
        interval_start_at bigint not null,
        interval_end_at bigint not null,
        run_after_at bigint not null,
        dag_run_id text,
        exception_reason text,
        primary key (backfill_id, sort_ordinal)
      )`,
      `create index backfill_dag_run_pending on backfill_dag_run (backfill_id, sort_ordinal) where dag_run_id is null and exception_reason is null`,
      `alter table dag_run add column backfill_id bigint`,
      `create index dag_run_of_backfill on dag_run (backfill_id, state) where backfill_id is not null`,
      `create table timetable_stock (
        dag_id text primary key,
        bundle_version text not null,
        runs text not null,
        is_exhausted integer not null,
        problem text,
        evaluated_at bigint not null
      )`,
    ];
  },
};
