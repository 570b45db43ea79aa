import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { quietLog } from '../platform/attempt-notes.ts';
import { sleep, type Clock } from '../platform/clock.ts';

/** A try as it is stored. */
export interface StoredTry {
  readonly state: string;
  readonly tryNumber: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly hostname: string | null;
  readonly pid: number | null;
}

/** By then what a try has printed is in its file: the executor hands it to the thread that writes before it reports the end. */
const ON_ITS_WAY_MS = 1_000;
const POLL_MS = 25;

/**
 * The executor makes no file for a try that printed nothing and succeeded, because making one costs more than such a try. Whoever wants to read the log has it made by this: it
 * says what the executor would have written. Does nothing where there is a file, and for tries that have not succeeded or that no executor ran.
 */
export async function writeQuietLog(file: string, tried: StoredTry, clock: Clock): Promise<void> {
  const { state, tryNumber, startedAt, endedAt, hostname, pid } = tried;
  if (state !== 'success' || startedAt === null || endedAt === null || hostname === null) return;
  while (clock.now() - endedAt < ON_ITS_WAY_MS && !(await exists(file))) await sleep(clock, POLL_MS);
  if (await exists(file)) return;
  const lines = quietLog({ tryNumber, startedAt, endedAt, pid }).map((record) => `${JSON.stringify(record)}\n`);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, lines.join(''), { flag: 'wx' });
  } catch (error) {
    // Another reader was first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}
