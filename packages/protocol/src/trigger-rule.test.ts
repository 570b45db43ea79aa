import { describe, expect, test } from 'vitest';
import { decideReadiness, type Readiness, type TriggerRule } from './trigger-rule.ts';

/** s success, f failed, k skipped, u upstream_failed, - not ended. */
type Upstream = string;

const CASES: Readonly<Record<TriggerRule, readonly (readonly [Upstream, Readiness])[]>> = {
  all_success: [
    ['ss', 'run'],
    ['s-', 'wait'],
    ['f-', 'upstream_failed'],
    ['u-', 'upstream_failed'],
    ['k-', 'skipped'],
    ['kf', 'upstream_failed'],
  ],
  all_failed: [
    ['ff', 'run'],
    ['fu', 'run'],
    ['f-', 'wait'],
    ['s-', 'skipped'],
    ['k-', 'skipped'],
  ],
  all_done: [
    ['sfku', 'run'],
    ['sf-', 'wait'],
  ],
  all_done_min_one_success: [
    ['sf', 'run'],
    ['ff', 'upstream_failed'],
    ['k-', 'skipped'],
    ['s-', 'wait'],
  ],
  // Without setups; with them, see below.
  all_done_setup_success: [
    ['sfku', 'run'],
    ['sf-', 'wait'],
  ],
  all_skipped: [
    ['kk', 'run'],
    ['k-', 'wait'],
    ['s-', 'skipped'],
    ['f-', 'skipped'],
    ['u-', 'skipped'],
  ],
  one_success: [
    ['s-', 'run'],
    ['f-', 'wait'],
    ['kk', 'skipped'],
    ['kf', 'upstream_failed'],
    ['ff', 'upstream_failed'],
  ],
  one_failed: [
    ['f-', 'run'],
    ['u-', 'run'],
    ['s-', 'wait'],
    ['sk', 'skipped'],
  ],
  one_done: [
    ['s-', 'run'],
    ['f-', 'run'],
    ['k-', 'wait'],
    ['u-', 'wait'],
    ['ku', 'skipped'],
  ],
  none_failed: [
    ['sk', 'run'],
    ['kk', 'run'],
    ['s-', 'wait'],
    ['f-', 'upstream_failed'],
    ['u-', 'upstream_failed'],
  ],
  none_failed_min_one_success: [
    ['sk', 'run'],
    ['kk', 'skipped'],
    ['s-', 'wait'],
    ['f-', 'upstream_failed'],
  ],
  none_skipped: [
    ['sf', 'run'],
    ['s-', 'wait'],
    ['k-', 'skipped'],
  ],
  always: [['--', 'run']],
};

describe.each(Object.entries(CASES))('%s', (rule, cases) => {
  test.each(cases)('with upstream %s decides %s', (upstream, decision) => {
    expect(decideReadiness(rule as TriggerRule, count(upstream))).toBe(decision);
  });

  test('runs a task without upstream', () => {
    expect(decideReadiness(rule as TriggerRule, count(''))).toBe('run');
  });
});

describe('all_done_setup_success, with setups', () => {
  test.each([
    ['sk', { total: 1, success: 1, skipped: 0 }, 'run'],
    ['s-', { total: 1, success: 1, skipped: 0 }, 'wait'],
    ['ff', { total: 1, success: 0, skipped: 0 }, 'upstream_failed'],
    ['k-', { total: 1, success: 0, skipped: 1 }, 'skipped'],
    ['ksf', { total: 2, success: 1, skipped: 1 }, 'run'],
    ['fk', { total: 2, success: 0, skipped: 1 }, 'upstream_failed'],
  ] as const)('with upstream %s and setups %o decides %s', (upstream, setups, decision) => {
    expect(decideReadiness('all_done_setup_success', count(upstream), setups)).toBe(decision);
  });
});

function count(upstream: Upstream) {
  const of = (letter: string): number => upstream.split(letter).length - 1;
  return { total: upstream.length, success: of('s'), failed: of('f'), skipped: of('k'), upstream_failed: of('u'), removed: of('r') };
}
