import { afterEach } from 'vitest';
import { createLog, type Log } from '../../platform/log.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { openSqlite } from '../../store/sqlite-database.ts';
import { createFakeBroker, type FakeBroker, type FakeBrokerOptions } from './fake-broker.ts';
import { createSeededRandom } from '../../platform/testing/seeded-random.ts';
import { createVirtualClock, type VirtualClock } from '../../platform/testing/virtual-clock.ts';

/** An environment's ground and a broker, with a clock that stands still. */
export interface FederationWorld {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly database: Database;
  readonly broker: FakeBroker;
  readonly log: Log;
  /** What was logged from `info` on, as text. */
  readonly logged: readonly string[];
}

const opened: Database[] = [];

/**
 * Builds a world from a seed; it is taken down after the test.
 * @param shared a database that the worlds of several seeds use one after the other. @default a new one
 */
export async function createFederationWorld(
  seed = 1,
  behaviour: Omit<FakeBrokerOptions, 'clock' | 'random'> = {},
  shared?: Database,
): Promise<FederationWorld> {
  const clock = createVirtualClock();
  const random = createSeededRandom(seed);
  const logged: string[] = [];
  const log = createLog({ level: 'info', format: 'text', write: (line) => logged.push(line), now: () => clock.now() });
  const database = shared ?? (await openMigrated(clock.now()));
  return { clock, random, database, broker: createFakeBroker({ clock, random, ...behaviour }), log, logged };
}

async function openMigrated(now: number): Promise<Database> {
  const database = openSqlite({ file: ':memory:', now: () => now });
  opened.push(database);
  await migrate(database, now);
  return database;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()));
});

/** A database whose transactions fail, before or after they are written, until told otherwise. */
export interface FlakyDatabase extends Database {
  /** Error of the next transactions; undefined lets them through. `afterCommit` loses only the answer. */
  failWith(error: Error | undefined, when?: 'beforeCommit' | 'afterCommit'): void;
}

/** Wraps a database so that a test can take it away. */
export function makeFlaky(database: Database): FlakyDatabase {
  let failure: Error | undefined;
  let isCommitted = false;
  return {
    ...database,
    async batch(statements) {
      const error = failure;
      if (error === undefined) return database.batch(statements);
      if (isCommitted) await database.batch(statements);
      throw error;
    },
    failWith(error, when = 'beforeCommit') {
      failure = error;
      isCommitted = when === 'afterCommit';
    },
  };
}
