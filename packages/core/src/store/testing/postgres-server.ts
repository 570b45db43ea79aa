/**
 * A real PostgreSQL for tests, benches and the chaos rig.
 *
 * States: running → stopped (`stop`), running → running again on the same port and files (`restart`, also after somebody killed it).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { sleep, systemClock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import { findPostgresSoftware, isReachable, isRoot, UNPRIVILEGED_ID, type PostgresSoftware } from './postgres-software.ts';

/** How to start a server. */
export interface PostgresServerOptions {
  /** Where its files go: a folder of its own. One that already holds a database is used as it is. */
  readonly folder: string;
  /** @default a free one */
  readonly port?: number;
  /** Whether a commit waits for the disk. Off only where the files are thrown away and nothing is measured. @default true */
  readonly fsync?: boolean;
  /** Further settings of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running server. */
export interface PostgresServer {
  /** Of the database `postgres`; the user may do everything. */
  readonly url: string;
  /** Of the server's main process; another one after `restart`. */
  readonly pid: number;
  /** Stops it if it still runs, and starts it on the same port and files. */
  restart(): Promise<void>;
  /** Ends every connection and the server, and waits until it is gone. Idempotent. Its files stay. */
  stop(): Promise<void>;
}

const USER = 'tradewind';
const READY = 'database system is ready to accept connections';
const PORT_IN_USE = 'Address already in use';
/** What a new server says while processes of one that was killed still hold the shared memory. */
const PREDECESSOR_ALIVE = /pre-existing shared memory block|lock file "postmaster.pid" already exists/;
const MOST_ATTEMPTS = 50;
const ATTEMPT_DELAY_MS = 100;
/** A fast shutdown is over in 50 ms; one that takes this long hangs. */
const STOP_TIMEOUT_MS = 20_000;
const LAST_LINES = 20;

/**
 * Starts a server on loopback, TCP only, with commits that survive a power loss. It also ends when this process dies, whatever the cause.
 * As root it runs as `nobody`, because PostgreSQL refuses root.
 *
 * @throws TradewindError `bad_configuration` where no PostgreSQL is found or the folder cannot be used; the message holds what PostgreSQL said
 */
export async function startPostgres(options: PostgresServerOptions): Promise<PostgresServer> {
  const folder = path.resolve(options.folder);
  await prepareFolder(folder);
  const software = await findPostgresSoftware(folder);
  const data = path.join(folder, 'data');
  await createCluster(software, data);
  const start = (port: number): Promise<Incarnation> => startUntilReady(software, settingsFor(options, data, port), data);
  let { port, incarnation } = await startOnFreePort(start, options.port);
  return {
    url: `postgres://${USER}@127.0.0.1:${port}/postgres`,
    get pid() {
      return incarnation.pid;
    },
    async restart() {
      await incarnation.stop();
      incarnation = await start(port);
    },
    stop: () => incarnation.stop(),
  };
}

/** One main process, from its start to its end. */
interface Incarnation {
  readonly pid: number;
  stop(): Promise<void>;
}

async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (!isRoot()) return;
  await chown(folder, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
  if (await isReachable(folder)) return;
  throw new TradewindError(
    'bad_configuration',
    `PostgreSQL refuses to run as root and runs as user ${UNPRIVILEGED_ID}, who cannot enter ${folder}: choose a folder below /tmp.`,
  );
}

async function createCluster(software: PostgresSoftware, data: string): Promise<void> {
  if (existsSync(path.join(data, 'PG_VERSION'))) return;
  const lines: string[] = [];
  const child = start(software.initdb, ['-D', data, '-A', 'trust', '-U', USER, '--no-locale', '-E', 'UTF8'], (line) => lines.push(line));
  const failure = await endOf(child);
  if (failure !== undefined) throw startError('initdb', failure, lines);
}

function settingsFor({ fsync, settings }: PostgresServerOptions, data: string, port: number): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    timezone: 'UTC',
    fsync: fsync === false ? 'off' : 'on',
    ...settings,
  };
  return ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

async function startOnFreePort(
  start: (port: number) => Promise<Incarnation>,
  wanted: number | undefined,
): Promise<{ port: number; incarnation: Incarnation }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted ?? (await findFreePort());
    try {
      return { port, incarnation: await start(port) };
    } catch (error) {
      // Between finding a free port and using it somebody else may take it.
      const isTaken = error instanceof TradewindError && error.message.includes(PORT_IN_USE);
      if (!isTaken || wanted !== undefined || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function startUntilReady(software: PostgresSoftware, settings: readonly string[], data: string): Promise<Incarnation> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(software, settings);
    } catch (error) {
      if (!(error instanceof TradewindError) || !PREDECESSOR_ALIVE.test(error.message)) throw error;
      if (attempt >= MOST_ATTEMPTS)
        throw new TradewindError('conflict', `another PostgreSQL uses ${data}: end it first.`, { cause: error });
      await sleep(systemClock, ATTEMPT_DELAY_MS, new AbortController().signal);
    }
  }
}

async function startOnce(software: PostgresSoftware, settings: readonly string[]): Promise<Incarnation> {
  const lines: string[] = [];
  const ready = Promise.withResolvers<void>();
  const child = start(software.postgres, settings, (line) => {
    lines.push(line);
    if (lines.length > LAST_LINES) lines.shift();
    if (line.includes(READY)) ready.resolve();
  });
  const ended = endOf(child);
  const failure = await Promise.race([ready.promise, ended.then((end) => end ?? 'exit code 0')]);
  if (failure !== undefined || child.pid === undefined) throw startError('postgres', failure ?? 'no process', lines);
  const { pid } = child;
  const guard = endWithThisProcess(pid);
  void ended.then(() => guard.kill());
  return {
    pid,
    async stop() {
      const late = new AbortController();
      // SIGINT is a fast shutdown; after SIGQUIT the next start recovers from the log.
      child.kill('SIGINT');
      void sleep(systemClock, STOP_TIMEOUT_MS, late.signal).then(() => late.signal.aborted || child.kill('SIGQUIT'));
      await ended;
      late.abort();
    },
  };
}

/** In a session of its own, so that Ctrl+C reaches the tests first and they end the server in order. */
function start(program: string, args: readonly string[], onLine: (line: string) => void): ChildProcess {
  const user = isRoot() ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
  const child = spawn(program, args, { ...user, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
  return child;
}

/** Resolves when a process has ended: undefined after success, else how it ended. */
function endOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      resolve(code === 0 ? undefined : `it ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

/** A shell (its builtins alone) that waits for the end of this process, which closes the pipe between them, and then ends the server. */
function endWithThisProcess(pid: number): ChildProcess {
  return spawn('/bin/sh', ['-c', 'read -r _; kill -s QUIT "$1" 2> /dev/null', 'sh', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

function startError(program: string, failure: string, lines: readonly string[]): TradewindError {
  return new TradewindError('bad_configuration', `${program} did not start: ${failure}. It said:\n${lines.join('\n')}`);
}
