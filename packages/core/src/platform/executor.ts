import type { Attempt, AttemptReport, Workload } from '@tradewind/protocol';

/**
 * Runs attempts somewhere. The scheduler hands over workloads after the commit that queued them and hears what became of each through
 * `onReport`; `cli` puts the two together. Every executor passes the suite in `executors/executor.contract.ts`.
 */
export interface Executor {
  readonly name: string;
  /** How many attempts may be handed over and not ended at the same time. */
  readonly parallelism: number;
  /**
   * Takes the workload over. Never throws: whatever goes wrong later is reported as the attempt's end. A second call with the same attempt
   * is ignored.
   */
  dispatch(workload: Workload): void;
  /** Whether the attempt was handed over here and has not ended. */
  holds(attempt: Attempt): boolean;
  /** Stops the attempt if it is here: its process group is ended. Its end is still reported. */
  cancel(attempt: Attempt, reason: string): void;
  /** Ends what runs and waits until no process is left; the ends are not reported. */
  stop(): Promise<void>;
}

/** Receives what happened to attempts, in order for each attempt: `started` at most once, then `ended` exactly once. */
export type ReportHandler = (report: AttemptReport) => void;
