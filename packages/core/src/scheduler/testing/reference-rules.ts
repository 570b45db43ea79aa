import type { TaskInstanceState, TriggerRule } from '@tradewind/protocol';

/** What a rule may say. */
export type Decision = 'wait' | 'run' | 'skipped' | 'upstream_failed';

/**
 * The trigger rules once more, slow and literal, read off the table in Airflow's documentation state by state: what the model and the simulation hold the
 * scheduler's decisions against.
 *
 * @param setups states of those of the upstream that are setups, for the rule of teardowns
 */
export function referenceReadiness(
  rule: TriggerRule,
  upstream: readonly TaskInstanceState[],
  setups: readonly TaskInstanceState[] = [],
): Decision {
  if (upstream.length === 0 || rule === 'always') return 'run';
  const isDone = upstream.every((state) => ENDED.has(state));
  return RULES[rule]({
    any: (...states) => upstream.some((state) => states.includes(state)),
    every: (...states) => upstream.every((state) => states.includes(state)),
    wait: (decision) => (isDone ? decision : 'wait'),
    setups,
  });
}

const ENDED: ReadonlySet<TaskInstanceState> = new Set(['success', 'failed', 'skipped', 'upstream_failed', 'removed']);

interface Upstream {
  readonly any: (...states: TaskInstanceState[]) => boolean;
  readonly every: (...states: TaskInstanceState[]) => boolean;
  /** The decision, once every upstream task has ended. */
  readonly wait: (decision: Decision) => Decision;
  readonly setups: readonly TaskInstanceState[];
}

const RULES: Readonly<Record<TriggerRule, (upstream: Upstream) => Decision>> = {
  all_success({ any, wait }) {
    if (any('failed', 'upstream_failed')) return 'upstream_failed';
    return any('skipped') ? 'skipped' : wait('run');
  },
  all_failed: ({ any, wait }) => (any('success', 'skipped') ? 'skipped' : wait('run')),
  all_done: ({ wait }) => wait('run'),
  all_done_min_one_success({ any, wait }) {
    if (any('skipped')) return 'skipped';
    return wait(any('success') ? 'run' : 'upstream_failed');
  },
  all_done_setup_success({ wait, setups }) {
    if (setups.length === 0) return wait('run');
    if (setups.every((state) => state === 'skipped')) return 'skipped';
    return wait(setups.includes('success') ? 'run' : 'upstream_failed');
  },
  all_skipped: ({ any, wait }) => (any('success', 'failed', 'upstream_failed') ? 'skipped' : wait('run')),
  one_success({ any, every, wait }) {
    if (any('success')) return 'run';
    return wait(every('skipped', 'removed') ? 'skipped' : 'upstream_failed');
  },
  one_failed: ({ any, wait }) => (any('failed', 'upstream_failed') ? 'run' : wait('skipped')),
  one_done: ({ any, wait }) => (any('success', 'failed') ? 'run' : wait('skipped')),
  none_failed: ({ any, wait }) => (any('failed', 'upstream_failed') ? 'upstream_failed' : wait('run')),
  none_failed_min_one_success({ any, wait }) {
    if (any('failed', 'upstream_failed')) return 'upstream_failed';
    return wait(any('success') ? 'run' : 'skipped');
  },
  none_skipped: ({ any, wait }) => (any('skipped') ? 'skipped' : wait('run')),
  always: () => 'run',
};
