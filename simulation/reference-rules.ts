import type { TaskInstanceState, TriggerRule } from '@tradewind/protocol';

/** What a rule may say. */
type Decision = 'wait' | 'run' | 'skipped' | 'upstream_failed';

/**
 * The trigger rules once more, slow and literal, read off the table in Airflow's documentation state by state: what the checker holds the
 * scheduler's decisions against.
 */
export function referenceReadiness(rule: TriggerRule, upstream: readonly TaskInstanceState[]): Decision {
  if (upstream.length === 0 || rule === 'always') return 'run';
  const any = (...states: TaskInstanceState[]): boolean => upstream.some((state) => states.includes(state));
  const every = (...states: TaskInstanceState[]): boolean => upstream.every((state) => states.includes(state));
  const isDone = every('success', 'failed', 'skipped', 'upstream_failed', 'removed');
  const wait = (decision: Decision): Decision => (isDone ? decision : 'wait');
  switch (rule) {
    case 'all_success':
      if (any('failed', 'upstream_failed')) return 'upstream_failed';
      if (any('skipped')) return 'skipped';
      return wait('run');
    case 'all_failed':
      return any('success', 'skipped') ? 'skipped' : wait('run');
    case 'all_done':
      return wait('run');
    case 'all_done_min_one_success':
      if (any('skipped')) return 'skipped';
      return wait(any('success') ? 'run' : 'upstream_failed');
    case 'all_skipped':
      return any('success', 'failed', 'upstream_failed') ? 'skipped' : wait('run');
    case 'one_success':
      if (any('success')) return 'run';
      return wait(every('skipped', 'removed') ? 'skipped' : 'upstream_failed');
    case 'one_failed':
      return any('failed', 'upstream_failed') ? 'run' : wait('skipped');
    case 'one_done':
      return any('success', 'failed') ? 'run' : wait('skipped');
    case 'none_failed':
      return any('failed', 'upstream_failed') ? 'upstream_failed' : wait('run');
    case 'none_failed_min_one_success':
      if (any('failed', 'upstream_failed')) return 'upstream_failed';
      return wait(any('success') ? 'run' : 'skipped');
    case 'none_skipped':
      return any('skipped') ? 'skipped' : wait('run');
  }
}
