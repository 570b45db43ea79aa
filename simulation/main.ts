/**
 * `npm run -s simulate -- --seed N --steps N [--mutant NAME] [--seeds N]`
 *
 * Runs the scheduler and the consumer in a simulated world and ends with the line `seed N steps N hash H violations N`. Exit code 1 where an invariant was
 * violated; the lines before say which, and at which step of which seed. With `--mutant` a known bug is put back in first, which must be found: then
 * seeds from `--seed` on are tried until it is, at most `--seeds` of them (default 1), and `--mutant all` does so for every known bug and exits with 1 where
 * one was missed.
 */
import { readProofOptions } from '../scripts/proof-options.ts';
import { MUTANT_NAMES, type MutantName } from './mutants.ts';
import { findMutant, simulate, type SimulationResult } from './simulate.ts';

const MUTANT_SEEDS = 1_000;
const MUTANT_STEPS = 20_000;

const { values, wholeNumber, fail } = readProofOptions(
  `simulate -- [--seed N] [--steps N] [--seeds N] [--mutant NAME|all]

  --seed N       the first seed (default 1)
  --steps N      steps of each seed (default 100000; with a mutant ${MUTANT_STEPS})
  --seeds N      so many seeds (default 1; with "--mutant all" ${MUTANT_SEEDS} for each)
  --mutant NAME  puts a known bug back in, which must be found`,
  { seed: { type: 'string' }, steps: { type: 'string' }, seeds: { type: 'string' }, mutant: { type: 'string' } },
);
const seed = wholeNumber('seed', 1);

if (values.mutant === 'all') process.exitCode = await huntAll();
else process.exitCode = await hunt(values.mutant === undefined ? undefined : mutantName(values.mutant));

async function hunt(mutant: MutantName | undefined): Promise<number> {
  const steps = wholeNumber('steps', mutant === undefined ? 100_000 : MUTANT_STEPS);
  const seeds = wholeNumber('seeds', 1, 1);
  for (let tried = 0; tried < seeds; tried += 1) {
    const result = await simulate(seed + tried, steps, mutant);
    print(result);
    if (result.violations.length > 0) return 1;
  }
  return 0;
}

async function huntAll(): Promise<number> {
  const most = wholeNumber('seeds', MUTANT_SEEDS, 1);
  const steps = wholeNumber('steps', MUTANT_STEPS);
  let missed = 0;
  for (const mutant of MUTANT_NAMES) {
    const found = await firstViolation(mutant, most, steps);
    if (found === undefined) missed += 1;
    const first = found?.violations[0];
    console.log(
      found === undefined || first === undefined
        ? `mutant ${mutant}: NOT FOUND within ${most} seeds`
        : `mutant ${mutant}: found with seed ${found.seed} at step ${found.violatedAt} (${first.invariant}: ${first.message})`,
    );
  }
  console.log(`${MUTANT_NAMES.length - missed} of ${MUTANT_NAMES.length} mutants found`);
  return missed === 0 ? 0 : 1;
}

async function firstViolation(mutant: MutantName, most: number, steps: number): Promise<SimulationResult | undefined> {
  for (let tried = 0; tried < most; tried += 1) {
    const found = await findMutant(seed + tried, steps, mutant);
    if (found !== undefined) return found;
  }
  return undefined;
}

function print({ seed: played, steps, hash, violations, violatedAt }: SimulationResult): void {
  for (const { invariant, message } of violations.slice(0, 10))
    console.log(`${invariant} violated at step ${violatedAt} of seed ${played}: ${message}`);
  console.log(`seed ${played} steps ${steps} hash ${hash} violations ${violations.length}`);
}

function mutantName(text: string): MutantName {
  const known = MUTANT_NAMES.find((name) => name === text);
  return known ?? fail(`there is no mutant "${text}"; known are ${MUTANT_NAMES.join(', ')}, and all`);
}
