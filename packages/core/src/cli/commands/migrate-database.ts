import { mkdir } from 'node:fs/promises';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { systemRandom } from '../../platform/random.ts';
import { migrate } from '../../store/migrate.ts';
import { readDatabaseStatus } from '../database-status.ts';
import { findEnvironment } from '../find-environment.ts';
import { openStore } from '../open-store.ts';
import { printDatabase } from '../output/print-database.ts';
import type { OutputOptions } from '../program/declare.ts';

/** `tradewind db migrate`: nothing to do is success, also while the environment runs. */
export async function migrateDatabase({ folder, output }: OutputOptions): Promise<undefined> {
  const config = findEnvironment(folder);
  const before = await readDatabaseStatus(config);
  const applied = before.schema_version === before.wanted_schema_version ? [] : await applyMigrations(config);
  const said = applied.length === 0 ? 'the schema is up to date' : `applied: ${applied.join(', ')}`;
  process.stderr.write(`${said}\n`);
  await printDatabase(await readDatabaseStatus(config), output);
}

async function applyMigrations(config: EnvironmentConfig): Promise<readonly string[]> {
  await mkdir(config.stateFolder, { recursive: true, mode: 0o700 });
  const store = await openStore(config, { clock, random: systemRandom(() => clock.now()), log: silentLog });
  try {
    return await migrate(store.database, clock.now());
  } finally {
    await store.close();
  }
}
