import { existsSync } from 'node:fs';
import path from 'node:path';
import { systemClock as clock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { SCHEMA_VERSION } from '../store/migrate.ts';
import { readSchemaStatus } from './read-schema-status.ts';

/** A database as `tradewind db` prints it. */
export interface DatabaseRow {
  readonly dialect: 'sqlite' | 'postgres';
  /** File or URL, without password. */
  readonly location: string;
  /** 0 for a database without tables. */
  readonly schema_version: number;
  readonly wanted_schema_version: number;
}

/**
 * Looks at the database of an environment, whether it runs or not: reading disturbs nobody.
 * @throws TradewindError `database_unavailable` where it does not answer
 */
export async function readDatabaseStatus(config: EnvironmentConfig): Promise<DatabaseRow> {
  const { url } = config.database;
  const file = databaseFile(config);
  const row = { dialect: url === undefined ? 'sqlite' : 'postgres', location: url === undefined ? file : withoutPassword(url) } as const;
  if (url === undefined && !existsSync(file)) return { ...row, schema_version: 0, wanted_schema_version: SCHEMA_VERSION };
  const database = await openDatabase(config);
  try {
    const { version, wanted } = await readSchemaStatus(database);
    return { ...row, schema_version: version, wanted_schema_version: wanted };
  } finally {
    await database.close();
  }
}

async function openDatabase(config: EnvironmentConfig): Promise<Database> {
  const { url } = config.database;
  if (url === undefined) {
    const { openSqlite } = await import('../store/sqlite-database.ts');
    return openSqlite({ file: databaseFile(config), now: () => clock.now() });
  }
  const { openPostgres } = await import('../store/postgres-database.ts');
  return openPostgres({ url, clock, random: systemRandom(() => clock.now()), log: silentLog });
}

function databaseFile({ stateFolder }: EnvironmentConfig): string {
  return path.join(stateFolder, 'database.sqlite');
}

function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return 'postgres://…';
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  // A password may stand in the query, too.
  if (url.searchParams.has('password')) url.searchParams.set('password', '***');
  return url.href;
}
