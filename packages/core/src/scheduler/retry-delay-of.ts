import { decideRetryDelay } from '../model/retry-delay.ts';
import type { ActiveRun, ActiveTask } from './run-state.ts';

/** How long a task instance waits after its current try, if that fails. */
export function retryDelayOf(run: ActiveRun, { node, tryNumber }: ActiveTask): number {
  const { taskId, retryDelayMs, retryBackoff, maxRetryDelayMs } = node.graph.task;
  const logicalDate = run.row.logicalAt === null ? run.row.runId : new Date(run.row.logicalAt).toISOString();
  return decideRetryDelay({ retryDelayMs, retryBackoff, maxRetryDelayMs, tryNumber, key: { dagId: run.row.dagId, taskId, logicalDate } });
}
