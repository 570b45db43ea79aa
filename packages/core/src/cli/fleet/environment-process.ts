/**
 * One environment of a fleet, in a process of its own.
 *
 *   starting ── started ──▸ running ── its process ends ──▸ waiting ── back-off ──▸ starting …
 *   starting for the first time ── its process ends ──▸ failed: the fleet does not come up
 *   any of them ── stop ──▸ stopping ── its process has ended ──▸ stopped
 *
 * The process is the leader of its own group, so that Ctrl-C reaches the fleet alone, which ends its environments in order; it ends by itself
 * when the fleet dies, because its standard input then closes.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Activity } from '../../platform/activity.ts';
import { sleep, systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { TradewindError } from '../../platform/errors.ts';
import { inheritVariables } from '../../platform/inherited-variables.ts';
import { errorOfLine, readFleetLine, type FleetLine } from './fleet-lines.ts';

/** An environment's process, from its first start until it is stopped. */
export interface EnvironmentProcess {
  /** Resolves when it runs for the first time; rejects where it does not come up, with the error that it ended with. */
  readonly started: Promise<void>;
  /** Ends it and waits for its end; idempotent. One that does not end in time is killed. */
  stop(): Promise<void>;
}

/** What an environment's process is started with, and who hears of it. */
export interface EnvironmentProcessOptions {
  readonly config: EnvironmentConfig;
  /** Set in its environment; called for each start. */
  readonly variables: () => Promise<Readonly<Record<string, string>>>;
  /** Whether a process that ended with this error before it ran is started again at once. */
  readonly mayStartAgain: (error: TradewindError) => boolean;
  /** It runs: for the first time, or again. */
  readonly onStarted: (line: FleetLine & { type: 'started' }) => void;
  readonly onActivity: (activity: Activity) => void;
  /** Its log, line by line. */
  readonly onLog: (line: string) => void;
  readonly onCrash: (crash: Crash) => void;
}

/** The end of a process that nobody asked for. */
export interface Crash {
  readonly reason: string;
  readonly restartInMs: number;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const PROGRAM = path.resolve(import.meta.dirname, '../../../bin/tradewind.mjs');
const FIRST_BACK_OFF_MS = 500;
const LONGEST_BACK_OFF_MS = 30_000;
/** One that ran for longer than this had recovered. */
const STABLE_MS = 60_000;
/** Longer than an environment takes to stop, shorter than the fleet's own patience. */
const LONGEST_STOP_MS = 1_400;

/** Starts an environment and keeps it running. */
export function startEnvironmentProcess(options: EnvironmentProcessOptions): EnvironmentProcess {
  const stopping = new AbortController();
  const first = Promise.withResolvers<void>();
  // Whoever waits for it hears of the failure; nobody has to.
  first.promise.catch(() => {});
  const ended = superviseProcess(options, first, stopping.signal);
  return {
    started: first.promise,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

async function superviseProcess(
  options: EnvironmentProcessOptions,
  first: PromiseWithResolvers<void>,
  stopping: AbortSignal,
): Promise<void> {
  let hasStarted = false;
  let backOffMs = FIRST_BACK_OFF_MS;
  while (!stopping.aborted) {
    const startedMs = clock.monotonicMs();
    const error = await runProcess(
      {
        ...options,
        onStarted(line) {
          hasStarted = true;
          first.resolve();
          options.onStarted(line);
        },
      },
      stopping,
    );
    if (stopping.aborted) break;
    if (options.mayStartAgain(error)) continue;
    if (!hasStarted) {
      first.reject(error);
      return;
    }
    if (clock.monotonicMs() - startedMs > STABLE_MS) backOffMs = FIRST_BACK_OFF_MS;
    options.onCrash({ reason: error.message, restartInMs: backOffMs });
    await sleep(clock, backOffMs, stopping);
    backOffMs = Math.min(backOffMs * 2, LONGEST_BACK_OFF_MS);
  }
  first.reject(new TradewindError('conflict', `${options.config.name} was stopped before it had started`));
}

/** Runs the process once, to its end, and says why it ended. */
async function runProcess(options: EnvironmentProcessOptions, stopping: AbortSignal): Promise<TradewindError> {
  const { config } = options;
  let variables: Readonly<Record<string, string>>;
  try {
    variables = await options.variables();
  } catch (error) {
    return error instanceof TradewindError ? error : new TradewindError('internal', String(error));
  }
  const child: Child = spawn(process.execPath, [PROGRAM, 'standalone', '--folder', config.folder, '--json-activity'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: inheritVariables(variables),
  });
  const failure = listen(child, options);
  const removeStop = stopWith(child, stopping);
  try {
    const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    const how = signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;
    return failure() ?? new TradewindError('internal', `the process of environment ${config.name} ${how}`);
  } catch (cause) {
    return new TradewindError('internal', `the process of environment ${config.name} cannot be started: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    removeStop();
  }
}

/** Reads what the process says. Returns a function that returns the error that it has told. */
function listen(child: Child, { onStarted, onActivity, onLog }: EnvironmentProcessOptions): () => TradewindError | undefined {
  let failure: TradewindError | undefined;
  // A process that died does not read any more, which is no error of ours.
  child.stdin.on('error', () => {});
  createInterface({ input: child.stderr }).on('line', onLog);
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = readFleetLine(text);
    if (line === undefined) {
      onLog(text);
      return;
    }
    switch (line.type) {
      case 'started':
        onStarted(line);
        return;
      case 'activity':
        onActivity(line.activity);
        return;
      case 'failed':
        failure = errorOfLine(line);
    }
  });
  return () => failure;
}

/** Ends the process when the fleet stops: first by asking it, and where that takes too long by killing it. */
function stopWith(child: Child, stopping: AbortSignal): () => void {
  const stop = (): void => {
    child.kill('SIGTERM');
    const timer = clock.setTimer(LONGEST_STOP_MS, () => child.kill('SIGKILL'));
    child.once('close', () => timer.cancel());
  };
  stopping.addEventListener('abort', stop, { once: true });
  if (stopping.aborted) stop();
  return () => stopping.removeEventListener('abort', stop);
}
