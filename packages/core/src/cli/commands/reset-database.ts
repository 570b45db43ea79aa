import { mkdir } from 'node:fs/promises';
import { systemClock as clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import { silentLog } from '../../platform/log.ts';
import { systemRandom } from '../../platform/random.ts';
import type { Database } from '../../store/database.ts';
import { schemaStatus } from '../../store/migrate.ts';
import { readHeartbeats } from '../../store/reads/health.ts';
import { resetDatabase as resetTables } from '../../store/reset-database.ts';
import { confirm } from '../confirm.ts';
import { findEnvironment } from '../find-environment.ts';
import { openStore } from '../open-store.ts';
import type { EnvironmentOptions } from '../program/declare.ts';

interface ResetOptions extends EnvironmentOptions {
  readonly yes?: boolean;
}

/** A process that was silent for longer is dead (Airflow's `scheduler_health_check_threshold`). */
const LIVE_FOR_MS = 30_000;

/** `tradewind db reset`: the environment must not run. Logs, dag files and keys stay. */
export async function resetDatabase({ folder, yes }: ResetOptions): Promise<undefined> {
  const config = findEnvironment(folder);
  await mkdir(config.stateFolder, { recursive: true, mode: 0o700 });
  const store = await openStore(config, { clock, random: systemRandom(() => clock.now()), log: silentLog });
  try {
    await requireSilence(store.database, config.name);
    if (yes !== true)
      await confirm(`delete everything in the database of ${config.name}, dags, runs, variables and connections included, for good?`);
    const tables = await resetTables(store.database, clock.now());
    process.stderr.write(`the database of ${config.name} is empty: ${tables} tables were dropped and made anew\n`);
  } finally {
    await store.close();
  }
}

/** An embedded database has one process at a time; one on a server says who works on it. */
async function requireSilence(database: Database, environment: string): Promise<void> {
  const { version, wanted } = await schemaStatus(database);
  if (database.dialect === 'sqlite' || version !== wanted) return;
  const alive = (await readHeartbeats(database)).filter(({ liveAt }) => liveAt !== null && clock.now() - liveAt < LIVE_FOR_MS);
  if (alive.length === 0) return;
  const kinds = alive.map(({ kind }) => kind).join(', ');
  throw new TradewindError(
    'environment_running',
    `${environment} runs (${kinds}): stop it everywhere, and wait half a minute if it was killed`,
  );
}
