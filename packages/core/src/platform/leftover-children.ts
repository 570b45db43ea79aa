/**
 * Notes about running children, so that an environment that was killed can end on its next start what it left behind. A child ends by
 * itself when its channel closes, but one that never returns to its event loop does not notice.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** Names the child in its environment, which everything that it starts inherits. */
export const CHILD_MARKER_VARIABLE = 'TRADEWIND_CHILD';

/** A running child, as noted in `children/<pid>.json` of the state folder. */
interface ChildNote {
  readonly pid: number;
  readonly marker: string;
  /** When the process started, in the system's own words: with the pid it names one process for ever, also after the pid was given again. */
  readonly startTime: string;
}

/**
 * Notes a child that was just started.
 * @returns a function that takes the note away again, to be called when the child has ended
 */
export function recordChild(child: { stateFolder: string; pid: number; marker: string; log: Log }): () => Promise<void> {
  const { stateFolder, pid, marker, log } = child;
  const file = noteFile(stateFolder, pid);
  const write = async (): Promise<void> => {
    const startTime = await processStartTime(pid);
    if (startTime === undefined) return;
    await mkdir(path.dirname(file), { recursive: true });
    // Renamed when it is whole: half a note names nobody.
    await writeFile(`${file}.unfinished`, JSON.stringify({ pid, marker, startTime } satisfies ChildNote));
    await rename(`${file}.unfinished`, file);
  };
  const warn = (error: unknown): void => {
    log.warning('could not keep the note about a child process', { file, problem: messageOf(error) });
  };
  const written = write().catch(warn);
  return async () => {
    await written;
    await rm(file, { force: true }).catch(warn);
  };
}

/**
 * Ends the children that an earlier life of this environment left running, and what they started. To be called before the first child is.
 * A process that only has the pid of a noted one is left alone.
 * @returns the pids of the children that were found running
 */
export async function endLeftoverChildren(stateFolder: string): Promise<number[]> {
  const folder = path.join(stateFolder, 'children');
  const notes = await readNotes(folder);
  const ended: number[] = [];
  for (const note of notes) {
    if ((await processStartTime(note.pid)) === note.startTime && kill(-note.pid)) ended.push(note.pid);
  }
  const markers = new Set(notes.map(({ marker }) => marker));
  if (markers.size > 0) for (const pid of await findMarked(markers)) kill(pid);
  await rm(folder, { recursive: true, force: true });
  return ended;
}

function noteFile(stateFolder: string, pid: number): string {
  return path.join(stateFolder, 'children', `${pid}.json`);
}

async function readNotes(folder: string): Promise<ChildNote[]> {
  const names = await readdir(folder).catch(() => []);
  const notes = await Promise.all(names.map((name) => readNote(path.join(folder, name))));
  return notes.filter((note) => note !== undefined);
}

/** Undefined for a note that was being written when the environment was killed: its child had only just started. */
async function readNote(file: string): Promise<ChildNote | undefined> {
  try {
    const { pid, marker, startTime } = JSON.parse(await readFile(file, 'utf8')) as ChildNote;
    return Number.isInteger(pid) && pid > 1 && typeof marker === 'string' && typeof startTime === 'string'
      ? { pid, marker, startTime }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined for a process that is not there. */
async function processStartTime(pid: number): Promise<string | undefined> {
  try {
    if (process.platform !== 'linux') return (await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)])).stdout.trim();
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in brackets and may itself hold anything; start time is the 22nd field, the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** The processes that inherited one of the markers, wherever they have moved; none where there is no /proc. */
async function findMarked(markers: ReadonlySet<string>): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const isMarked = async (pid: string): Promise<boolean> => {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const marker = new RegExp(`(?:^|\\0)${CHILD_MARKER_VARIABLE}=([^\\0]*)`).exec(environment)?.[1];
    return marker !== undefined && markers.has(marker);
  };
  const marked = await Promise.all(pids.map(isMarked));
  return pids.filter((_, index) => marked[index]).map(Number);
}

function kill(target: number): boolean {
  try {
    process.kill(target, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
