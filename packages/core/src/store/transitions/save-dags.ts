import type { SerializedDag } from '@tradewind/protocol';
import { readBundleFile } from '../../model/bundle-file.ts';
import { summariseSchedule } from '../../model/timetables/describe-schedule.ts';
import { defineStatement, type SqlDialect } from '../database.ts';
import { storableText } from '../storable-text.ts';

/** A dag that was read from a file. */
export interface ReadDag {
  readonly dag: SerializedDag;
  /** Another hash is another version of the dag. */
  readonly serializedHash: string;
  /** The id of the version, should it be a new one. */
  readonly newVersionId: string;
  /** When the next scheduled run is due, should the dag be new; null where no clock starts it. */
  readonly nextRunAt: number | null;
}

/** The reading that a batch saves. */
export interface DagReading {
  /** As model/bundle-file.ts names it. */
  readonly file: string;
  readonly bundleVersion: string;
  readonly parseMs: number;
  readonly dags: readonly ReadDag[];
}

/** What is known of a dag before a reading of it is saved. */
export interface SavedDag {
  readonly dagId: string;
  readonly isStale: number;
  /** JSON of the SerializedDag; null where the reading has the same version. */
  readonly serialized: string | null;
  readonly nextRunAt: number | null;
  /** Logical date of the latest scheduled run. */
  readonly lastLogicalAt: number | null;
}

/** Of the dags that were read: those that exist. */
export const selectSavedDags = defineStatement<SavedDag, [dags: readonly Pick<ReadDag, 'dag' | 'serializedHash'>[]]>(
  'select_saved_dags',
  (d) => `
    select dag.dag_id as "dagId", dag.is_stale as "isStale", dag.next_run_at as "nextRunAt",
      case when version.content_hash <> wanted.content_hash then version.serialized end as serialized,
      (select max(logical_at) from dag_run where dag_run.dag_id = dag.dag_id and dag_run.run_type = 'scheduled') as "lastLogicalAt"
    from ${d.rows('$1', 'wanted', { dag_id: 'text', content_hash: 'text' })}
    join dag on dag.dag_id = wanted.dag_id
    join dag_version as version on version.id = dag.dag_version_id`,
  (dags) => [JSON.stringify(dags.map(({ dag, serializedHash }) => ({ dag_id: dag.dagId, content_hash: serializedHash })))],
);

/**
 * (absent) → the dag's newest version, where what was read, or the file that it was read from, differs from the version that the dag is on.
 *
 * A version is never changed, and has its id for ever: whoever compares ids compares definitions (adr/0017).
 *
 * First of the statements that save a reading; the dag's row follows. Of two readings at once, the unique (dag, version number) refuses
 * one. Run twice: the dag is on that version already.
 */
export const insertDagVersions = defineStatement<{ dagId: string }, [reading: DagReading, now: number]>(
  'insert_dag_versions',
  (d) => `
    insert into dag_version (id, dag_id, version_number, content_hash, bundle_version, serialized, created_at, file, bundle_name, deadlines)
    select given.id, given.dag_id,
      1 + coalesce((select max(earlier.version_number) from dag_version as earlier where earlier.dag_id = given.dag_id), 0),
      given.content_hash, $2, given.serialized, $3, $4, $5, given.deadlines
    from ${d.rows('$1', 'given', { id: 'text', dag_id: 'text', content_hash: 'text', serialized: 'text', deadlines: 'text' })}
    where not exists (
      select 1 from dag join dag_version as current on current.id = dag.dag_version_id
      where dag.dag_id = given.dag_id and current.content_hash = given.content_hash and current.file in ($4, '')
    )
    returning dag_id as "dagId"`,
  ({ dags, file, bundleVersion }, now) => [
    JSON.stringify(
      dags.map(({ dag, serializedHash, newVersionId }) => ({
        id: newVersionId,
        dag_id: dag.dagId,
        content_hash: serializedHash,
        serialized: JSON.stringify(dag),
        deadlines: dag.deadlines === undefined ? null : JSON.stringify(dag.deadlines),
      })),
    ),
    bundleVersion,
    now,
    file,
    readBundleFile(file).bundleName,
  ],
);

const NEWEST_VERSION = `(
      select newest.id from dag_version as newest
      where newest.dag_id = given.dag_id
      order by newest.version_number desc
      limit 1
    )`;

function givenDags(d: SqlDialect): string {
  return d.rows('$1', 'given', {
    dag_id: 'text',
    is_paused: 'bigint',
    display_name: 'text',
    description: 'text',
    owner: 'text',
    tags: 'text',
    schedule: 'text',
    schedule_summary: 'text',
    catchup: 'bigint',
    max_active_runs: 'bigint',
    max_active_tasks: 'bigint',
    next_run_at: 'bigint',
  });
}

/**
 * Any dag → as it was read, not stale. Whether it is paused and when it is due stay: the first is the operator's, the second the
 * scheduler's.
 *
 * After `insertDagVersions` in the same transaction. Run twice: the same row.
 */
export const updateDags = defineStatement<{ dagId: string }, [reading: DagReading, now: number]>(
  'update_dags',
  (d) => `
    update dag
    set file = $2, is_stale = 0, dag_version_id = ${NEWEST_VERSION}, bundle_version = $3, display_name = given.display_name,
      description = given.description, owner = given.owner, tags = given.tags, schedule = given.schedule,
      schedule_summary = given.schedule_summary, catchup = given.catchup, max_active_runs = given.max_active_runs,
      max_active_tasks = given.max_active_tasks, parsed_at = $4, parse_ms = $5, bundle_name = $6
    from ${givenDags(d)}
    where dag.dag_id = given.dag_id
    returning dag.dag_id as "dagId"`,
  valuesOf,
);

/**
 * (absent) → a dag, paused or not as its author wants it at first. After `updateDags` in the same transaction. Run twice: the dag exists.
 */
export const insertDags = defineStatement<{ dagId: string }, [reading: DagReading, now: number]>(
  'insert_dags',
  (d) => `
    insert into dag
      (dag_id, file, is_paused, is_stale, dag_version_id, bundle_version, display_name, description, owner, tags, schedule,
       schedule_summary, catchup, max_active_runs, max_active_tasks, next_run_at, parsed_at, parse_ms, created_at, bundle_name)
    select given.dag_id, $2, given.is_paused, 0, ${NEWEST_VERSION}, $3, given.display_name, given.description, given.owner, given.tags,
      given.schedule, given.schedule_summary, given.catchup, given.max_active_runs, given.max_active_tasks, given.next_run_at, $4, $5, $4, $6
    from ${givenDags(d)}
    where not exists (select 1 from dag where dag.dag_id = given.dag_id)
    returning dag_id as "dagId"`,
  valuesOf,
);

function valuesOf({ dags, file, bundleVersion, parseMs }: DagReading, now: number): [string, string, string, number, number, string] {
  const rows = dags.map(({ dag, nextRunAt }) => ({
    dag_id: dag.dagId,
    is_paused: Number(dag.isPausedUponCreation),
    display_name: textOrNull(dag.displayName),
    description: textOrNull(dag.description),
    owner: textOrNull(dag.owner),
    tags: JSON.stringify(dag.tags),
    schedule: JSON.stringify(dag.schedule),
    schedule_summary: textOrNull(summariseSchedule(dag.schedule)),
    catchup: Number(dag.catchup),
    max_active_runs: dag.maxActiveRuns,
    max_active_tasks: dag.maxActiveTasks,
    next_run_at: nextRunAt,
  }));
  return [JSON.stringify(rows), file, bundleVersion, now, Math.round(parseMs), readBundleFile(file).bundleName];
}

function textOrNull(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : storableText(text);
}

/** A dag whose due time is decided anew. */
export interface RescheduledDag {
  readonly dagId: string;
  /** The due time that the decision was made from. */
  readonly expectedNextRunAt: number | null;
  readonly nextRunAt: number | null;
}

/**
 * Due → due at another time, or never.
 *
 * Called where a schedule changed, a dag came back or was unpaused. Changes nothing where the scheduler has moved the due time on
 * meanwhile; the caller then decides again. Run twice: the same due time.
 */
export const rescheduleDags = defineStatement<{ dagId: string }, [dags: readonly RescheduledDag[]]>(
  'reschedule_dags',
  (d) => `
    update dag
    set next_run_at = given.next_run_at
    from ${d.rows('$1', 'given', { dag_id: 'text', expected: 'bigint', next_run_at: 'bigint' })}
    where dag.dag_id = given.dag_id and dag.next_run_at is not distinct from given.expected
    returning dag.dag_id as "dagId"`,
  (dags) => [
    JSON.stringify(
      dags.map(({ dagId, expectedNextRunAt, nextRunAt }) => ({ dag_id: dagId, expected: expectedNextRunAt, next_run_at: nextRunAt })),
    ),
  ],
);

/** A dag of these files → stale, unless it is named: no file defines it any more. Run twice: it is stale already. */
export const markDagsStale = defineStatement<{ dagId: string }, [files: readonly string[], except: readonly string[]]>(
  'mark_dags_stale',
  (d) => `
    update dag
    set is_stale = 1
    from ${d.rows('$1', 'given', { file: 'text' })}
    where dag.file = given.file and dag.is_stale = 0
      and dag.dag_id not in (select kept.dag_id from ${d.rows('$2', 'kept', { dag_id: 'text' })})
    returning dag.dag_id as "dagId"`,
  (files, except) => [JSON.stringify(files.map((file) => ({ file }))), JSON.stringify(except.map((dagId) => ({ dag_id: dagId })))],
);
