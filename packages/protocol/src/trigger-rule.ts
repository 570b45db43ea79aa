import type { FinishedTaskInstanceState } from './states.ts';

export const TRIGGER_RULES = [
  'all_success',
  'all_failed',
  'all_done',
  'all_done_min_one_success',
  'all_done_setup_success',
  'all_skipped',
  'one_success',
  'one_failed',
  'one_done',
  'none_failed',
  'none_failed_min_one_success',
  'none_skipped',
  'always',
] as const;

/** When a task runs, given how its upstream tasks ended. Airflow's names and meanings. */
export type TriggerRule = (typeof TRIGGER_RULES)[number];

/** How many upstream task instances have ended in each way, and how many there are. */
export type UpstreamCounts = { readonly total: number } & { readonly [State in FinishedTaskInstanceState]: number };

/** How the setups directly upstream of a teardown ended. */
export interface SetupCounts {
  readonly total: number;
  readonly success: number;
  readonly skipped: number;
}

const NO_SETUPS: SetupCounts = { total: 0, success: 0, skipped: 0 };

/** What a trigger rule says about a task: wait for more upstream tasks, run it, or end it without running. */
export type Readiness = 'wait' | 'run' | 'skipped' | 'upstream_failed';

/**
 * Applies a trigger rule to what is known so far. Early decisions are Airflow's (`ti_deps/deps/trigger_rule_dep.py`): a rule that can no longer hold
 * is decided before every upstream task has ended. Without upstream tasks every rule holds.
 *
 * @param setups for `all_done_setup_success` alone: those of the upstream tasks that are setups
 */
export function decideReadiness(rule: TriggerRule, counts: UpstreamCounts, setups: SetupCounts = NO_SETUPS): Readiness {
  return counts.total === 0 ? 'run' : DECISIONS[rule](tally(counts, setups));
}

const DECISIONS: Readonly<Record<TriggerRule, (seen: Tally) => Readiness>> = {
  all_success(seen) {
    if (seen.failed > 0) return 'upstream_failed';
    return seen.skipped > 0 ? 'skipped' : whenDone(seen, 'run');
  },
  all_failed: (seen) => (seen.success + seen.skipped > 0 ? 'skipped' : whenDone(seen, 'run')),
  all_done: (seen) => whenDone(seen, 'run'),
  all_done_min_one_success(seen) {
    if (seen.skipped > 0) return 'skipped';
    return whenDone(seen, seen.success > 0 ? 'run' : 'upstream_failed');
  },
  all_done_setup_success({ setups, ...seen }) {
    if (setups.total === 0) return whenDone(seen, 'run');
    if (setups.skipped >= setups.total) return 'skipped';
    return whenDone(seen, setups.success > 0 ? 'run' : 'upstream_failed');
  },
  all_skipped: (seen) => (seen.success + seen.failed > 0 ? 'skipped' : whenDone(seen, 'run')),
  one_success(seen) {
    if (seen.success > 0) return 'run';
    return whenDone(seen, seen.failed > 0 ? 'upstream_failed' : 'skipped');
  },
  one_failed: (seen) => (seen.failed > 0 ? 'run' : whenDone(seen, 'skipped')),
  // Neither a skipped upstream task nor one that could not run counts as done here.
  one_done: (seen) => (seen.success + seen.failedItself > 0 ? 'run' : whenDone(seen, 'skipped')),
  none_failed: (seen) => (seen.failed > 0 ? 'upstream_failed' : whenDone(seen, 'run')),
  none_failed_min_one_success(seen) {
    if (seen.failed > 0) return 'upstream_failed';
    return whenDone(seen, seen.success > 0 ? 'run' : 'skipped');
  },
  none_skipped: (seen) => (seen.skipped > 0 ? 'skipped' : whenDone(seen, 'run')),
  always: () => 'run',
};

interface Tally {
  readonly success: number;
  readonly skipped: number;
  /** Failed and upstream_failed together. */
  readonly failed: number;
  readonly failedItself: number;
  readonly isDone: boolean;
  readonly setups: SetupCounts;
}

function tally(counts: UpstreamCounts, setups: SetupCounts): Tally {
  const { total, success, failed, skipped, upstream_failed: upstreamFailed, removed } = counts;
  return {
    setups,
    success,
    skipped,
    failed: failed + upstreamFailed,
    failedItself: failed,
    isDone: success + failed + skipped + upstreamFailed + removed >= total,
  };
}

function whenDone(seen: Pick<Tally, 'isDone'>, decision: Readiness): Readiness {
  return seen.isDone ? decision : 'wait';
}
