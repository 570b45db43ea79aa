import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../platform/clock.ts';
import { silentLog, type Log, type LogFields } from '../../platform/log.ts';
import { formatUuid, type Random } from '../../platform/random.ts';
import type { Database } from '../../store/database.ts';
import { EXAMPLE_NOW } from '../../store/reads/testing/example-time.ts';
import type { DagFilesPort } from '../api-parts.ts';
import { openAuthentication, type Authentication } from '../auth/authentication.ts';
import type { Role } from '../auth/principal.ts';
import { createServer } from '../server.ts';
import { createTestSecrets } from './test-secrets.ts';

/** A clock that moves only when it is told to. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

/** The server of an environment, without a port. */
export interface TestServer {
  readonly server: FastifyInstance;
  readonly database: Database;
  readonly authentication: Authentication;
  readonly clock: TestClock;
  readonly stateFolder: string;
  readonly logsFolder: string;
  /** How often the scheduler was woken. */
  readonly wakes: () => number;
  /** What the log was told at level `error`. */
  readonly errors: readonly LogEntry[];
  /** What the log was told at level `info`. */
  readonly notes: readonly LogEntry[];
  /** A header that makes a request somebody's. */
  as(role: Role): { readonly authorization: string };
  close(): Promise<void>;
}

/** One line of the log. */
export interface LogEntry {
  readonly event: string;
  readonly fields: LogFields;
}

/** The password of every user that a test declares. */
export const TEST_PASSWORD = 'correct horse battery staple';
/** Its hash, of a cost that tests can afford. */
export const TEST_PASSWORD_HASH = 'scrypt$1024$8$1$BwcHBwcHBwcHBwcHBwcHBw$ZMZ8QUA0k7ZBYTIWhuZ5S0cao5fRSfOdGrqUJlaJuUI';

/** Somebody whom a test wants in the file of users. */
export interface TestUser {
  readonly username: string;
  readonly role: Role;
  readonly dags: 'all' | readonly string[];
}

/** What a test server is made of. */
export interface TestServerOptions {
  readonly database: Database;
  /** @default none but the administrator that the first start makes */
  readonly users?: readonly TestUser[];
  readonly environmentName?: string;
  readonly isHttps?: boolean;
  /** @default none: nothing reads dag files */
  readonly dagFiles?: DagFilesPort;
}

/** Makes a server on a database that is open already. Its folders are removed with `close`; the database is the caller's. */
export async function startTestServer({
  database,
  users,
  environmentName = 'sales',
  isHttps = false,
  dagFiles,
}: TestServerOptions): Promise<TestServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tradewind-api-'));
  const stateFolder = path.join(folder, 'state');
  const logsFolder = path.join(folder, 'logs');
  if (users !== undefined) await writeUsers(stateFolder, users);
  const clock = createTestClock();
  const random = createTestRandom();
  const authentication = await openAuthentication({ stateFolder, clock, random });
  const errors: LogEntry[] = [];
  const notes: LogEntry[] = [];
  let wakes = 0;
  const server = createServer({
    database,
    clock,
    random,
    log: collectingLog(errors, notes),
    authentication,
    logsFolder,
    environmentName,
    version: '0.1.0',
    isHttps,
    ...(dagFiles === undefined ? {} : { dagFiles }),
    secrets: createTestSecrets(),
    config: [{ name: 'log', options: [{ key: 'level', value: 'info' }] }],
    wake: () => {
      wakes += 1;
    },
  });
  return {
    server,
    database,
    authentication,
    clock,
    stateFolder,
    logsFolder,
    errors,
    notes,
    wakes: () => wakes,
    as: (role) => ({ authorization: `Bearer ${authentication.issueToken(`the ${role}`, role, 3_600)}` }),
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A clock that stands still at the examples' now. */
export function createTestClock(): TestClock {
  let now = EXAMPLE_NOW;
  return {
    now: () => now,
    monotonicMs: () => now,
    setTimer: () => ({ cancel() {} }),
    advance(ms) {
      now += ms;
    },
  };
}

/** Ids that count up. */
export function createTestRandom(): Random {
  let count = 0;
  return {
    fraction: () => 0.5,
    uuid() {
      count += 1;
      const tail = Buffer.alloc(8);
      tail.writeUInt32BE(count, 4);
      return formatUuid(EXAMPLE_NOW, 0, tail);
    },
  };
}

async function writeUsers(stateFolder: string, users: readonly TestUser[]): Promise<void> {
  await mkdir(stateFolder, { recursive: true });
  const changedAt = new Date(EXAMPLE_NOW).toISOString();
  const content = { users: users.map((user) => ({ ...user, password: TEST_PASSWORD_HASH, changed_at: changedAt })) };
  await writeFile(path.join(stateFolder, 'users.json'), JSON.stringify(content), { mode: 0o600 });
}

function collectingLog(errors: LogEntry[], notes: LogEntry[]): Log {
  const log: Log = {
    ...silentLog,
    info: (event, fields = {}) => void notes.push({ event, fields }),
    error: (event, fields = {}) => void errors.push({ event, fields }),
    named: () => log,
  };
  return log;
}
