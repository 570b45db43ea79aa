import { TradewindError } from '../platform/errors.ts';
import { defineStatement, type Database, type Statement } from './database.ts';
import { initial } from './migrations/0001-initial.ts';
import { engine } from './migrations/0002-engine.ts';
import { schedules } from './migrations/0003-schedules.ts';
import { assets } from './migrations/0004-assets.ts';
import { secrets } from './migrations/0005-secrets.ts';
import { bundles } from './migrations/0006-bundles.ts';
import { triggers } from './migrations/0007-triggers.ts';
import { operations } from './migrations/0008-operations.ts';
import { offloadedValues } from './migrations/0009-offloaded-values.ts';
import { lookups } from './migrations/0010-lookups.ts';
import { occupiedPools } from './migrations/0011-occupied-pools.ts';
import { claimedRequests } from './migrations/0012-claimed-requests.ts';
import { roomForTicks } from './migrations/0013-room-for-ticks.ts';
import type { Migration } from './migrations/migration.ts';

const MIGRATIONS: readonly Migration[] = [
  initial,
  engine,
  schedules,
  assets,
  secrets,
  bundles,
  triggers,
  operations,
  offloadedValues,
  lookups,
  occupiedPools,
  claimedRequests,
  roomForTicks,
];

/** The schema version that this program needs. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** What a database has of what this program needs. */
export interface SchemaStatus {
  readonly version: number;
  readonly wanted: number;
}

/**
 * Brings the schema up to `SCHEMA_VERSION`. Each step is one transaction that starts with its row in `schema_migration`, so of two
 * processes that migrate at once one waits and then finds nothing to do. Idempotent.
 *
 * @returns the names of the steps that were applied
 * @throws TradewindError `schema_mismatch` where the database is newer than this program
 */
export async function migrate(database: Database, now: number): Promise<readonly string[]> {
  await database.batch([waitForOthers(), createTable()]);
  const { version } = await schemaStatus(database);
  if (version > SCHEMA_VERSION) {
    throw new TradewindError(
      'schema_mismatch',
      `the database has schema version ${version}, but this program knows only ${SCHEMA_VERSION}: run the newer program, or restore a backup.`,
    );
  }
  const applied: string[] = [];
  for (const migration of MIGRATIONS.slice(version)) {
    if (await apply(database, migration, now)) applied.push(migration.name);
  }
  return applied;
}

/** Reads how far the schema is; 0 for an empty database. */
export async function schemaStatus(database: Database): Promise<SchemaStatus> {
  const [rows] = await database.batch([readVersion()]);
  return { version: rows[0]?.version ?? 0, wanted: SCHEMA_VERSION };
}

async function apply(database: Database, migration: Migration, now: number): Promise<boolean> {
  const statements = migration
    .statements(database.dialect)
    .map((text, index): Statement<never> => ({ name: `migration_${migration.version}_${index}`, text: () => text, values: [] }));
  try {
    await database.batch([recordMigration(migration, now), ...statements]);
    return true;
  } catch (error) {
    // The row of the step is its lock: somebody else applied it in the meantime, or the step itself is at fault.
    if ((await schemaStatus(database)).version >= migration.version) return false;
    throw error;
  }
}

/**
 * PostgreSQL lets two `create table if not exists` run at once and then fails one. The lock's key has no meaning; nothing else takes it.
 */
const waitForOthers = defineStatement<never, []>(
  'wait_for_other_migrations',
  ({ dialect }) => (dialect === 'postgres' ? 'select pg_advisory_xact_lock(7423100)' : 'select 1'),
  () => [],
);

const createTable = defineStatement<never, []>(
  'create_schema_migration',
  () => `create table if not exists schema_migration (version integer primary key, name text not null, applied_at bigint not null)`,
  () => [],
);

const readVersion = defineStatement<{ version: number }, []>(
  'read_schema_version',
  () => `select coalesce(max(version), 0) as version from schema_migration`,
  () => [],
);

const recordMigration = defineStatement<never, [Migration, number]>(
  'record_migration',
  () => `insert into schema_migration (version, name, applied_at) values ($1, $2, $3)`,
  ({ version, name }, now) => [version, name, now],
);
