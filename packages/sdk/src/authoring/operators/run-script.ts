/**
 * Runs a bash script so that no process of it outlives the try.
 *
 * started → exited → drained → ended. The script leads a process group of its own, and in it waits a guard that holds the other end of a pipe:
 * when the pipe closes (the try is aborted, or this process dies in any way) the guard ends the group, with SIGTERM and then SIGKILL.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SdkError } from '../../errors.ts';
import { createLastLine } from './last-line.ts';

/** A script and what it runs with. */
export interface Script {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Ends the script when it aborts. */
  readonly signal: AbortSignal;
  /** How long the script's processes have to end by themselves after SIGTERM. @default 3 */
  readonly graceSeconds?: number;
}

/** How a script ended by itself. */
export interface ScriptEnd {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line on standard output, without white space at its end; empty where there was none. */
  readonly lastLine: string;
  readonly lastErrorLine: string;
}

/** How long after the script's end its output may still come from processes that it left in the background. */
const DRAIN_MS = 1_000;

/**
 * $1 is the grace in seconds, $2 the script, the rest its arguments. The guard ignores SIGTERM, because it sends it to its own group, and
 * lets go of the output, because the output's end is what `runScript` waits for.
 */
const LAUNCHER = `
(trap '' TERM; read -r -u 3; kill -TERM 0; sleep "$1"; kill -KILL 0) </dev/null >/dev/null 2>&1 &
script=$2; shift 2; exec bash -c "$script" bash "$@" 3<&-
`;

/**
 * Runs the script to its end, passing on its output as it comes.
 * @throws SdkError (`command_failed`) where it cannot be started, or was ended because `signal` aborted
 */
export async function runScript(script: Script): Promise<ScriptEnd> {
  const { command, args, env, cwd, signal, graceSeconds = 3 } = script;
  if (signal.aborted) throw stopped(signal);
  const child = spawn('bash', ['-c', LAUNCHER, 'bash', String(graceSeconds), command, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, stdout, stderr, lifeline] = child.stdio;
  const lastLine = passOn(stdout, process.stdout);
  const lastErrorLine = passOn(stderr, process.stderr);
  // The guard may be gone before the pipe is closed here; there is nothing to do about it then.
  lifeline?.on('error', () => {});
  const cutLifeline = (): void => {
    lifeline?.destroy();
  };
  signal.addEventListener('abort', cutLifeline, { once: true });
  try {
    const end = await exitOf(child, cwd);
    await drain(child);
    if (signal.aborted) throw stopped(signal);
    return { ...end, lastLine: lastLine(), lastErrorLine: lastErrorLine() };
  } finally {
    signal.removeEventListener('abort', cutLifeline);
    endGroup(child);
    for (const pipe of [stdout, stderr, lifeline]) pipe?.destroy();
    // The event loop closes pipes after it has run the immediates of a turn; the try must not end with some still open.
    await nextTurn();
    await nextTurn();
  }
}

function exitOf(child: ChildProcess, cwd: string): Promise<Pick<ScriptEnd, 'exitCode' | 'signal'>> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(new SdkError('command_failed', `bash cannot be started in ${cwd}: ${adviceFor(error)}`, { cause: error }));
    });
    child.once('exit', (exitCode, signal) => {
      resolve({ exitCode, signal });
    });
  });
}

function adviceFor({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'either the folder does not exist or bash is not installed where PATH looks';
  if (code === 'E2BIG') return 'the inputs, params and arguments together are too large for a process; pass names of files instead';
  return message;
}

/** Waits for the output's end, but no longer than `DRAIN_MS` for what holds it without being the script. */
async function drain(child: ChildProcess): Promise<void> {
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  const timer = setTimeout(() => {
    for (const stream of streams) stream.destroy();
  }, DRAIN_MS);
  await Promise.allSettled(streams.map((stream) => finished(stream)));
  clearTimeout(timer);
}

/** Ends whatever is left of the script's process group. Its number cannot mean another group as long as the guard is in it. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
}

/** Copies a script's output, makes sure that it ends with the end of a line, and returns a way to read its last line. */
function passOn(from: Readable | null | undefined, to: NodeJS.WriteStream): () => string {
  const lastLine = createLastLine();
  from?.on('data', (chunk: Buffer) => {
    lastLine.push(chunk);
    to.write(chunk);
  });
  from?.once('end', () => {
    if (lastLine.isOpen()) to.write('\n');
  });
  return () => lastLine.read();
}

function stopped(signal: AbortSignal): SdkError {
  const reason: unknown = signal.reason;
  return new SdkError('command_failed', `the script was ended: ${reason instanceof Error ? reason.message : String(reason)}`, {
    cause: reason,
  });
}
