import type { TriggerRule } from '@tradewind/protocol';
import type { TaskResult } from './dag-run-result.ts';

/** What a task does now that every task before it has ended. */
export type TaskDecision = 'run' | 'skipped' | 'upstream_failed';

/** How many of the tasks before it ended in each state. */
type Ends = Readonly<Record<TaskResult['state'], number>>;

/**
 * Whether a task runs, given how all tasks before it ended (Airflow, ti_deps/deps/trigger_rule_dep.py). `runDag` asks when
 * nothing is left to wait for, so what a rule decides early is not told apart here.
 */
export function decideTask(rule: TriggerRule, upstream: readonly TaskResult['state'][]): TaskDecision {
  if (upstream.length === 0) return 'run';
  const ends = { success: 0, failed: 0, skipped: 0, upstream_failed: 0 };
  for (const state of upstream) ends[state] += 1;
  return DECISIONS[rule](ends);
}

const anyFailed = (ends: Ends): boolean => ends.failed + ends.upstream_failed > 0;

const DECISIONS: Readonly<Record<TriggerRule, (ends: Ends) => TaskDecision>> = {
  all_success(ends) {
    if (anyFailed(ends)) return 'upstream_failed';
    return ends.skipped > 0 ? 'skipped' : 'run';
  },
  all_failed: (ends) => (ends.success + ends.skipped > 0 ? 'skipped' : 'run'),
  all_done: () => 'run',
  all_done_min_one_success(ends) {
    if (ends.skipped > 0) return 'skipped';
    return ends.success > 0 ? 'run' : 'upstream_failed';
  },
  all_skipped: (ends) => (ends.success > 0 || anyFailed(ends) ? 'skipped' : 'run'),
  one_success(ends) {
    if (ends.success > 0) return 'run';
    return anyFailed(ends) ? 'upstream_failed' : 'skipped';
  },
  one_failed: (ends) => (anyFailed(ends) ? 'run' : 'skipped'),
  one_done: (ends) => (ends.success + ends.failed > 0 ? 'run' : 'skipped'),
  none_failed: (ends) => (anyFailed(ends) ? 'upstream_failed' : 'run'),
  none_failed_min_one_success(ends) {
    if (anyFailed(ends)) return 'upstream_failed';
    return ends.success > 0 ? 'run' : 'skipped';
  },
  none_skipped: (ends) => (ends.skipped > 0 ? 'skipped' : 'run'),
  always: () => 'run',
};
