import { availableParallelism, hostname } from 'node:os';
import path from 'node:path';
import type { Attempt, TryOutcome, Workload } from '@tradewind/protocol';
import { authorEntry } from '../../platform/child-process.ts';
import type { Clock } from '../../platform/clock.ts';
import { messageOf } from '../../platform/errors.ts';
import type { Executor, ReportHandler } from '../../platform/executor.ts';
import type { Log } from '../../platform/log.ts';
import { taskLogFile } from '../../platform/task-log-file.ts';
import { noTaskServices, type TaskServices } from '../../platform/task-services.ts';
import { attemptKey } from './attempt-key.ts';
import { ChildPool, type ChildPoolLimits } from './child-pool.ts';
import { InputFiles } from './input-files.ts';
import { LogWriter } from './log-writer.ts';
import { watchOutOfMemoryKills } from './out-of-memory-kills.ts';
import { Supervisor, type SupervisorSettings } from './supervisor.ts';
import { TaskLog } from './task-log.ts';
import { noSecrets, type TrySecrets } from './try-secrets.ts';

/** How an executor on this machine is set up. */
export interface LocalExecutorOptions extends Partial<ChildPoolLimits> {
  readonly clock: Clock;
  readonly log: Log;
  /** Hears what becomes of each attempt. Should not throw; where it does, that is logged. */
  readonly onReport: ReportHandler;
  /** The environment's own folder: the compile cache and the notes about running children. */
  readonly stateFolder: string;
  /** Below it each try has a log, laid out as Airflow does. */
  readonly logsFolder: string;
  /**
   * Also makes the files of tries that print nothing and succeed. Making one costs more than such a try, and what it would say follows from the try's row
   * (task-logs/write-quiet-log.ts): only who reads the files themselves needs it.
   * @default false
   */
  readonly writesQuietLogs?: boolean;
  /**
   * What tasks find as `process.cwd()`.
   * @default the folder above the state folder
   */
  readonly workingFolder?: string;
  /**
   * Limit of each child's heap.
   * @default 512
   */
  readonly maxHeapMegabytes?: number;
  /**
   * How long a try that is ended early has to end by itself, between SIGTERM and SIGKILL.
   * @default 5_000
   */
  readonly graceMs?: number;
  /**
   * Answers what tasks ask their environment.
   * @default every request is refused
   */
  readonly services?: TaskServices;
  /**
   * What is kept out of logs, failures and values.
   * @default nothing
   */
  readonly secrets?: TrySecrets;
}

/** Limits where the options say nothing. */
const DEFAULT_LIMITS: Omit<ChildPoolLimits, 'maxHeapUsedBytes'> = {
  parallelism: 32,
  cores: availableParallelism(),
  minimumSpare: 1,
  idleMs: 60_000,
  maxTries: 100_000,
  startTimeoutMs: 30_000,
  importTimeoutMs: 60_000,
};
const DEFAULT_HEAP_MEGABYTES = 512;
const DEFAULT_GRACE_MS = 5_000;
/** A heap that is this full after a try holds more than garbage that V8 has not collected yet. */
const WORN_OUT_HEAP_SHARE = 0.75;

/**
 * Runs tries in child processes on this machine. Each child runs one try at a time and then the next; what a child costs is paid by few.
 *
 * An attempt's end is reported when the child's message arrives, and its log follows: it is complete once `flushed` resolves.
 */
export class LocalExecutor implements Executor {
  readonly name = 'local';
  readonly parallelism: number;
  readonly #options: LocalExecutorOptions;
  readonly #held = new Set<string>();
  readonly #writer: LogWriter;
  readonly #pool: ChildPool;
  readonly #hostname = hostname();
  #isStopped = false;

  constructor(options: LocalExecutorOptions) {
    this.#options = options;
    const limits = limitsOf(options);
    this.parallelism = limits.parallelism;
    this.#writer = new LogWriter(options.log, options.clock);
    const settings = this.#supervisorSettings();
    this.#pool = new ChildPool({
      limits,
      clock: options.clock,
      log: options.log,
      createChild: (events) => new Supervisor(settings, events),
      onStarted: ({ attempt }, at, pid) => this.#report({ type: 'started', attempt, at, pid, hostname: this.#hostname }),
      onEnded: (workload, at, outcome) => this.#onEnded(workload, at, outcome),
    });
  }

  dispatch(workload: Workload): void {
    const key = attemptKey(workload.attempt);
    if (this.#isStopped || this.#held.has(key)) return;
    this.#held.add(key);
    const { clock, writesQuietLogs } = this.#options;
    try {
      const file = taskLogFile(this.#options.logsFolder, workload.context);
      this.#pool.run({ workload, log: new TaskLog(file, { writer: this.#writer, clock, writesQuietLogs }) });
    } catch (error) {
      this.#onEnded(workload, this.#options.clock.now(), { result: 'failed', failure: { kind: 'error', message: messageOf(error) } });
    }
  }

  holds(attempt: Attempt): boolean {
    return this.#held.has(attemptKey(attempt));
  }

  cancel(attempt: Attempt, reason: string): void {
    if (this.holds(attempt)) this.#pool.cancel(attempt, { kind: 'stopped', message: `the task was stopped: ${reason}` });
  }

  /** Resolves when everything that tasks have printed so far, and that has reached this process, is in their logs. */
  flushed(): Promise<void> {
    return this.#writer.flushed();
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#pool.stop({ kind: 'stopped', message: 'the environment was stopped while the task was running' });
    this.#held.clear();
    await this.#writer.close();
  }

  #onEnded({ attempt }: Workload, at: number, outcome: TryOutcome): void {
    this.#held.delete(attemptKey(attempt));
    this.#report({ type: 'ended', attempt, at, outcome });
  }

  #report(report: Parameters<ReportHandler>[0]): void {
    if (this.#isStopped) return;
    try {
      this.#options.onReport(report);
    } catch (error) {
      this.#options.log.error('a report about an attempt could not be taken', { ...report.attempt, problem: messageOf(error) });
    }
  }

  #supervisorSettings(): SupervisorSettings {
    const { clock, log, stateFolder, workingFolder, maxHeapMegabytes, graceMs, services, secrets } = this.#options;
    return {
      entry: authorEntry('@tradewind/sdk/task-runner'),
      stateFolder,
      workingFolder: workingFolder ?? path.dirname(path.resolve(stateFolder)),
      maxHeapMegabytes: maxHeapMegabytes ?? DEFAULT_HEAP_MEGABYTES,
      graceMs: graceMs ?? DEFAULT_GRACE_MS,
      clock,
      log,
      writer: this.#writer,
      inputs: new InputFiles(stateFolder),
      services: services ?? noTaskServices,
      secrets: secrets ?? noSecrets(),
      kills: watchOutOfMemoryKills(),
    };
  }
}

function limitsOf(options: LocalExecutorOptions): ChildPoolLimits {
  const maxHeapUsedBytes = (options.maxHeapMegabytes ?? DEFAULT_HEAP_MEGABYTES) * WORN_OUT_HEAP_SHARE * 1_048_576;
  const defaults: ChildPoolLimits = { ...DEFAULT_LIMITS, maxHeapUsedBytes };
  const names = Object.keys(defaults) as (keyof ChildPoolLimits)[];
  return { ...defaults, ...Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))) };
}
