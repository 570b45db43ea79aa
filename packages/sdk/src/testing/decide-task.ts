import { decideReadiness, type SetupCounts, type TriggerRule } from '@tradewind/protocol';
import type { TaskResult } from './dag-run-result.ts';

/** What a task does now that every task before it has ended. */
export type TaskDecision = 'run' | 'skipped' | 'upstream_failed';

type State = TaskResult['state'];

/**
 * Whether a task runs, given how all tasks before it ended: the rule that the scheduler applies too, asked when nothing is left to wait for.
 * @param setups of a teardown: how its setups ended
 */
export function decideTask(rule: TriggerRule, upstream: readonly State[], setups: readonly State[] = []): TaskDecision {
  const counts = { total: upstream.length, success: 0, failed: 0, skipped: 0, upstream_failed: 0, removed: 0 };
  for (const state of upstream) counts[state] += 1;
  const readiness = decideReadiness(rule, counts, countSetups(setups));
  // Without early decisions a rule either holds or it does not; nothing waits for tasks that have all ended.
  return readiness === 'wait' ? 'skipped' : readiness;
}

function countSetups(states: readonly State[]): SetupCounts {
  const count = (wanted: State): number => states.filter((state) => state === wanted).length;
  return { total: states.length, success: count('success'), skipped: count('skipped') };
}
