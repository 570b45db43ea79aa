import { TRIGGER_RULES, type TriggerRule } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { decideTask, type TaskDecision } from './decide-task.ts';

/** S success, F failed, K skipped, U upstream_failed. */
const STATES = { S: 'success', F: 'failed', K: 'skipped', U: 'upstream_failed' } as const;
const UPSTREAMS = ['SS', 'SF', 'SK', 'SU', 'FF', 'FK', 'FU', 'KK', 'KU', 'UU'] as const;

/** For each rule, its decision for each of `UPSTREAMS`: r run, k skipped, u upstream_failed (semantics of Airflow's table). */
const EXPECTED: Readonly<Record<TriggerRule, string>> = {
  // SS SF SK SU FF FK FU KK KU UU
  all_success: 'ruku uuuk uu',
  all_failed: 'kkkk rkrk kr',
  all_done: 'rrrr rrrr rr',
  all_done_min_one_success: 'rrkr ukuk ku',
  // Without setups.
  all_done_setup_success: 'rrrr rrrr rr',
  all_skipped: 'kkkk kkkr kk',
  one_success: 'rrrr uuuk uu',
  one_failed: 'krkr rrrk rr',
  one_done: 'rrrr rrrk kk',
  none_failed: 'ruru uuur uu',
  none_failed_min_one_success: 'ruru uuuk uu',
  none_skipped: 'rrkr rkrk kr',
  always: 'rrrr rrrr rr',
};

describe.each(TRIGGER_RULES)('%s', (rule) => {
  const decisions = EXPECTED[rule].replaceAll(' ', '').split('');
  test.each(UPSTREAMS.map((upstream, index) => [upstream, decisions[index]]))('after %s decides %s', (upstream, expected) => {
    const states = upstream.split('').map((letter) => STATES[letter as keyof typeof STATES]);
    const letters: Readonly<Record<TaskDecision, string>> = { run: 'r', skipped: 'k', upstream_failed: 'u' };
    expect(letters[decideTask(rule, states)]).toBe(expected);
  });

  test('runs a task that waits for no one', () => {
    expect(decideTask(rule, [])).toBe('run');
  });
});
