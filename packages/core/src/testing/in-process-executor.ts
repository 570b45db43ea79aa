import type { Attempt, AttemptReport, TryFailure, TryOutcome, Workload } from '@tradewind/protocol';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Executor, ReportHandler } from '../platform/executor.ts';
import type { AuthorCode } from './author-code.ts';

/** What an executor in the process of a test needs. */
export interface InProcessExecutorParts {
  readonly clock: Clock;
  readonly code: AuthorCode;
  readonly parallelism: number;
  /** Runs a try. Must not reject. */
  readonly run: (workload: Workload, signal: AbortSignal) => Promise<TryOutcome>;
  readonly onReport: ReportHandler;
}

/** An executor whose tries run in this process. */
export interface InProcessExecutor extends Executor {
  /**
   * Reports the start of the tries that take time; a start and an end in the same moment are one report.
   * @returns whether there were some
   */
  reportStarted(): boolean;
}

interface HeldTry {
  readonly workload: Workload;
  readonly abort: AbortController;
  readonly forget: () => void;
  readonly timeout: Timer | undefined;
  readonly startedAt: number;
  isReported: boolean;
}

/** Where a test says that its tries have run. */
export const IN_PROCESS_HOST = { hostname: 'test', pid: 1 } as const;

/** Runs each try as soon as it is handed over. One that is ended early has ended at once, whatever its code does with the signal. */
export function createInProcessExecutor({ clock, code, parallelism, run, onReport }: InProcessExecutorParts): InProcessExecutor {
  const held = new Map<string, HeldTry>();

  const started = (one: HeldTry): AttemptReport => ({
    type: 'started',
    attempt: one.workload.attempt,
    at: one.startedAt,
    ...IN_PROCESS_HOST,
  });
  const end = (key: string, outcome: TryOutcome): void => {
    const one = held.get(key);
    if (one === undefined) return;
    held.delete(key);
    one.timeout?.cancel();
    if (!one.isReported && one.startedAt < clock.now()) onReport(started(one));
    onReport({ type: 'ended', attempt: one.workload.attempt, at: clock.now(), outcome });
  };
  const endEarly = (key: string, failure: TryFailure): void => {
    const one = held.get(key);
    if (one === undefined) return;
    one.forget();
    end(key, { result: 'failed', failure });
    one.abort.abort(new DOMException(failure.message, 'AbortError'));
  };

  return {
    name: 'in-process',
    parallelism,
    dispatch(workload) {
      const key = keyOf(workload.attempt);
      if (held.has(key)) return;
      const abort = new AbortController();
      const { executionTimeoutMs } = workload;
      held.set(key, {
        workload,
        abort,
        forget: code.start(
          nameOf(workload),
          () => run(workload, abort.signal),
          (outcome) => end(key, outcome),
        ),
        timeout:
          executionTimeoutMs === undefined
            ? undefined
            : clock.setTimer(executionTimeoutMs, () => endEarly(key, tooLong(executionTimeoutMs))),
        startedAt: clock.now(),
        isReported: false,
      });
    },
    holds: (attempt) => held.has(keyOf(attempt)),
    cancel: (attempt, reason) => endEarly(keyOf(attempt), { kind: 'stopped', message: `the task was stopped: ${reason}` }),
    reportStarted() {
      const unreported = [...held.values()].filter(({ isReported }) => !isReported);
      for (const one of unreported) {
        one.isReported = true;
        onReport(started(one));
      }
      return unreported.length > 0;
    },
    stop() {
      for (const { abort, forget, timeout } of held.values()) {
        timeout?.cancel();
        forget();
        abort.abort(new DOMException('the test environment is closed', 'AbortError'));
      }
      held.clear();
      return Promise.resolve();
    },
  };
}

function keyOf({ taskInstanceId, epoch }: Attempt): string {
  return `${taskInstanceId}.${epoch}`;
}

function nameOf({ context: { dagId, runId, taskId } }: Workload): string {
  return `task "${taskId}" of dag "${dagId}" in run "${runId}"`;
}

function tooLong(executionTimeoutMs: number): TryFailure {
  return { kind: 'timeout', message: `the task took longer than its executionTimeout of ${executionTimeoutMs / 1_000} s` };
}
