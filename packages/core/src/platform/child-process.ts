import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import type { Clock } from './clock.ts';
import { messageOf, TradewindError } from './errors.ts';
import { CHILD_MARKER_VARIABLE, recordChild } from './leftover-children.ts';
import type { Log } from './log.ts';

/** What every process for author code needs from the environment that starts it. */
export interface ChildProcessSettings {
  /** The environment's own folder (`.tradewind`): holds the compile cache and the notes about running children. */
  readonly stateFolder: string;
  /** What the author's code finds as `process.cwd()`. */
  readonly workingFolder: string;
  /** Limit of V8's heap; buffers outside of it do not count. */
  readonly maxHeapMegabytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A process that runs author code, and everything that it starts without leaving its process group. */
export interface AuthorProcess {
  readonly pid: number;
  /** Frames in both directions (protocol/frames.ts); the child's descriptor 3. */
  readonly control: Duplex;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process itself has ended. Never rejects. */
  readonly exited: Promise<void>;
  /** Resolves when the process has ended, its group was ended after it, and its output was read. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Sends a signal to the whole process group; a group that is gone is not an error. */
  signalGroup(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** How a process ended: by its own exit code, or by a signal. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Something that the process started left its group, goes on and holds its output open: it could not be ended with the rest. */
  readonly hasSurvivors: boolean;
}

/** The pipes of an ended group close at once; whoever holds them longer has left the group. */
const PIPE_CLOSE_MS = 1_000;
/** What a child may learn of this process's environment: nothing that could be a secret. */
const PASSED_VARIABLES = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

/**
 * Starts a process that runs author code: its own process group, no environment variable but a few that cannot be secrets, a limited heap.
 * Rejects with a TradewindError where the system refuses to start it.
 * @param entry the file to run, as `authorEntry` finds it
 */
export async function startAuthorProcess(entry: string, settings: ChildProcessSettings): Promise<AuthorProcess> {
  const marker = randomUUID();
  const child = spawn(process.execPath, [`--max-old-space-size=${settings.maxHeapMegabytes}`, entry], {
    cwd: settings.workingFolder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: childEnvironment(settings.stateFolder, marker),
  });
  const { pid, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null) throw await spawnError(child, settings);
  const control = child.stdio[3] as Duplex;
  // A pipe whose other end died says so twice, as an error and as its end; the end is what counts.
  for (const emitter of [child, control, stdout, stderr]) emitter.on('error', () => undefined);
  const forget = recordChild({ stateFolder: settings.stateFolder, pid, marker, log: settings.log });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  let isOver = false;
  const ended = waitForEnd(child, pid, settings.clock).then(async (end) => {
    isOver = true;
    await forget();
    return end;
  });
  const signalGroup = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    // Once it is gone the system may give its number to others.
    if (!isOver) killGroup(pid, signal);
  };
  return { pid, control, stdout, stderr, exited, ended, signalGroup };
}

/**
 * The file of an entry that a package exports for being spawned. `core` knows author code and what runs beside it by name alone (adr/0001).
 * @param specifier `@tradewind/sdk/task-runner` or `@tradewind/sdk/parse-dag-file`
 */
export function authorEntry(specifier: string): string {
  // Below its link in node_modules Node would refuse to strip the types.
  return realpathSync(fileURLToPath(import.meta.resolve(specifier)));
}

function childEnvironment(stateFolder: string, marker: string): NodeJS.ProcessEnv {
  const passed = PASSED_VARIABLES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  return {
    ...Object.fromEntries(passed),
    NODE_COMPILE_CACHE: path.join(stateFolder, 'compile-cache'),
    [CHILD_MARKER_VARIABLE]: marker,
  };
}

async function spawnError(child: ChildProcess, { workingFolder }: ChildProcessSettings): Promise<TradewindError> {
  const [cause] = (await once(child, 'error').catch((error: unknown) => [error])) as [unknown];
  return new TradewindError(
    'internal',
    `a process for author code could not be started: ${messageOf(cause)}; check that ${workingFolder} exists and that the limits of ` +
      'processes and open files (ulimit -u, ulimit -n) are not reached',
    { cause },
  );
}

async function waitForEnd(child: ChildProcess, pid: number, clock: Clock): Promise<ProcessEnd> {
  let isClosed = false;
  const closed = once(child, 'close').then(() => {
    isClosed = true;
  });
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  killGroup(pid, 'SIGKILL');
  await firstOf(closed, PIPE_CLOSE_MS, clock);
  const hasSurvivors = !isClosed;
  for (const stream of child.stdio) stream?.destroy();
  return { exitCode, signal, hasSurvivors };
}

function firstOf(event: Promise<unknown>, delayMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(delayMs, resolve);
    void event.then(() => {
      timer.cancel();
      resolve();
    });
  });
}

function killGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: the group is gone, which is what was wanted.
  }
}
