import path from 'node:path';
import type { Clock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { acquireEnvironmentLock } from '../store/environment-lock.ts';

/** An environment's database, and the exclusive right to it where it is embedded. */
export interface OpenedStore {
  readonly database: Database;
  /** Tells a second process that wants the environment where the first one can be reached. */
  setAddress(address: string): void;
  close(): Promise<void>;
}

/**
 * Opens the database that the configuration names. An embedded one is locked first: it has one process at a time.
 * @throws TradewindError `environment_running` naming the process that has it
 */
export async function openStore(config: EnvironmentConfig, parts: { clock: Clock; random: Random; log: Log }): Promise<OpenedStore> {
  const { url } = config.database;
  if (url !== undefined) {
    const { openPostgres } = await import('../store/postgres-database.ts');
    const database = openPostgres({ url, ...parts });
    return { database, setAddress: () => {}, close: () => database.close() };
  }
  const lock = acquireEnvironmentLock(config.stateFolder, { pid: process.pid, startedAt: parts.clock.now() });
  try {
    const { openSqlite } = await import('../store/sqlite-database.ts');
    const database = openSqlite({ file: path.join(config.stateFolder, 'database.sqlite'), now: () => parts.clock.now() });
    return {
      database,
      setAddress: (address) => {
        lock.setAddress(address);
      },
      async close() {
        await database.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
