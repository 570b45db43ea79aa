/**
 * Who owns an embedded environment. The lock is an open exclusive transaction on a small database beside the environment's own: the kernel
 * takes it back when its holder dies, whatever the cause, so it is never stale. Who the holder is stands in a file beside it, which is
 * believed only while the lock is taken.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, TradewindError } from '../platform/errors.ts';

/** The process that runs an environment. */
export interface EnvironmentHolder {
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Where its API answers, once it does. */
  readonly address?: string;
}

/** An environment that is ours until it is released or this process ends. */
export interface EnvironmentLock {
  /** Tells processes that find the environment taken where its API answers. */
  setAddress(address: string): void;
  /** Idempotent. */
  release(): void;
}

const LOCK_FILE = 'lock.sqlite';
const HOLDER_FILE = 'lock.json';

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const BUSY = 5;
/** No space, no quota left, and a limit on the size of files. */
const FULL_DISK = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * Takes the environment for this process, at once or not at all.
 *
 * @param stateFolder an existing folder; the lock is in it
 * @throws TradewindError `environment_running` naming the process that has it; `database_unavailable` or `database_full` where the folder
 * cannot be written
 */
export function acquireEnvironmentLock(stateFolder: string, holder: EnvironmentHolder): EnvironmentLock {
  const connection = openLock(stateFolder);
  const release = (): void => {
    process.off('exit', release);
    if (!connection.isOpen) return;
    rmSync(path.join(stateFolder, HOLDER_FILE), { force: true });
    connection.close();
  };
  try {
    writeHolder(stateFolder, holder);
  } catch (error) {
    release();
    throw error;
  }
  // Also keeps the connection from being collected, which would close it, and with it the lock.
  process.once('exit', release);
  return {
    setAddress(address) {
      writeHolder(stateFolder, { ...holder, address });
    },
    release,
  };
}

function openLock(stateFolder: string): DatabaseSync {
  const file = path.join(stateFolder, LOCK_FILE);
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(file, { timeout: 0 });
    // Nothing is ever committed, so a journal in memory keeps everything off the disk: it may be full, and no journal is left behind.
    connection.exec('pragma journal_mode = memory; begin exclusive');
    return connection;
  } catch (error) {
    connection?.close();
    const { errcode } = error as { errcode?: number };
    if (errcode !== undefined && (errcode & 0xff) === BUSY) throw runningError(stateFolder, error);
    throw new TradewindError(
      'database_unavailable',
      `the lock ${file} cannot be taken: ${messageOf(error)}. Check that the folder exists and that you may write to it.`,
      { cause: error },
    );
  }
}

function runningError(stateFolder: string, cause: unknown): TradewindError {
  const holder = readHolder(stateFolder);
  const who = holder === undefined ? 'another process, which has just started' : describeHolder(holder);
  return new TradewindError(
    'environment_running',
    `the environment in ${stateFolder} is already run by ${who}. Use that one, or end it before you start another.`,
    { cause },
  );
}

function describeHolder({ pid, startedAt, address }: EnvironmentHolder): string {
  const where = address === undefined ? '' : `, at ${address}`;
  return `process ${pid} since ${new Date(startedAt).toISOString()}${where}`;
}

function readHolder(stateFolder: string): EnvironmentHolder | undefined {
  try {
    return JSON.parse(readFileSync(path.join(stateFolder, HOLDER_FILE), 'utf8')) as EnvironmentHolder;
  } catch {
    // The holder has the lock and has not written the file yet.
    return undefined;
  }
}

/** Through a second file, so that nobody reads half of it. */
function writeHolder(stateFolder: string, holder: EnvironmentHolder): void {
  const file = path.join(stateFolder, HOLDER_FILE);
  try {
    writeFileSync(`${file}.new`, JSON.stringify(holder));
    renameSync(`${file}.new`, file);
  } catch (error) {
    const isFull = FULL_DISK.has((error as NodeJS.ErrnoException).code ?? '');
    const advice = isFull ? 'The disk is full: free space.' : 'Check that you may write to the folder.';
    throw new TradewindError(isFull ? 'database_full' : 'database_unavailable', `cannot write ${file}: ${messageOf(error)}. ${advice}`, {
      cause: error,
    });
  }
}
