import { decideReadiness, type TriggerRule } from '@tradewind/protocol';
import type { TaskResult } from './dag-run-result.ts';

/** What a task does now that every task before it has ended. */
export type TaskDecision = 'run' | 'skipped' | 'upstream_failed';

/**
 * Whether a task runs, given how all tasks before it ended: the rule that the scheduler applies too, asked when nothing is left to wait for.
 */
export function decideTask(rule: TriggerRule, upstream: readonly TaskResult['state'][]): TaskDecision {
  const counts = { total: upstream.length, success: 0, failed: 0, skipped: 0, upstream_failed: 0, removed: 0 };
  for (const state of upstream) counts[state] += 1;
  const readiness = decideReadiness(rule, counts);
  // Without early decisions a rule either holds or it does not; nothing waits for tasks that have all ended.
  return readiness === 'wait' ? 'skipped' : readiness;
}
