import { describe, expect, test } from 'vitest';
import type { MutantName } from './mutants.ts';
import { findMutant, simulate } from './simulate.ts';

const STEPS = 20_000;
/** On a machine that is busy with other tests a search takes many times as long; how long is not what is tested. */
const PATIENCE_MS = 240_000;

describe('simulate', { timeout: PATIENCE_MS }, () => {
  test.each([1, 2, 3])('violates nothing with seed %i', async (seed) => {
    expect(await simulate(seed, STEPS)).toMatchObject({ violations: [] });
  });

  test('plays the same history for the same seed, and another for another', async () => {
    const [first, again, other] = [await simulate(7, 5_000), await simulate(7, 5_000), await simulate(8, 5_000)];
    expect(again.hash).toBe(first.hash);
    expect(other.hash).not.toBe(first.hash);
  });

  test.each<MutantName>([
    'no-state-guard',
    'no-epoch-check',
    'no-run-limit',
    'no-dedupe-key',
    'request-without-run',
    'acknowledge-before-commit',
    'dispatch-before-commit',
    'no-transaction',
    'no-lease-check',
    'unheld-schedule',
    'no-pool-limit',
    'no-task-limit',
    'queue-while-paused',
    'expansion-not-recorded',
    'index-not-written',
    'value-not-stored',
    'restart-keeps-epoch',
    'clear-keeps-value',
    'past-always-met',
    'resume-raises-try',
  ])('finds the known bug %s', async (mutant) => {
    for (let seed = 1; seed <= 40; seed += 1) {
      if ((await findMutant(seed, STEPS, mutant)) !== undefined) return;
    }
    expect.unreachable(`${mutant} was not found within 40 seeds`);
  });
});
