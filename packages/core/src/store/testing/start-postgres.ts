/** What vitest runs once before and after the tests of project `database`: one PostgreSQL with one migrated database to clone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { systemClock } from '../../platform/clock.ts';
import { silentLog } from '../../platform/log.ts';
import { systemRandom } from '../../platform/random.ts';
import { migrate } from '../migrate.ts';
import { openPostgres } from '../postgres-database.ts';
import { administerPostgres, urlOfDatabase } from './administer-postgres.ts';
import { startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the database `postgres` on the server of this test run. */
    readonly postgresUrl: string;
  }
}

/** The database that every suite clones: migrated and empty. It stays without connections, because only an idle database can be cloned. */
export const TEMPLATE_DATABASE = 'tradewind_template';

/** Starts the server and makes the template. Returns what ends the server and removes its files; vitest calls that after failures, too. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'tradewind-postgres-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const server = await startPostgres({ folder });
  started.defer(() => server.stop());
  await createTemplate(server.url);
  project.provide('postgresUrl', server.url);
  const owned = started.move();
  return () => owned.disposeAsync();
}

async function createTemplate(url: string): Promise<void> {
  await administerPostgres(url, `create database ${TEMPLATE_DATABASE}`);
  const database = openPostgres({
    url: urlOfDatabase(url, TEMPLATE_DATABASE),
    clock: systemClock,
    random: systemRandom(() => systemClock.now()),
    log: silentLog,
  });
  try {
    await migrate(database, systemClock.now());
  } finally {
    await database.close();
  }
}
