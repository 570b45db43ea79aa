/**
 * `npm run -s simulate -- --seed N --steps N [--mutant NAME] [--seeds N]`
 *
 * Runs the scheduler and the consumer in a simulated world and ends with the line `seed N steps N hash H violations N`. Exit code 1 where an invariant was
 * violated; the lines before say which, and at which step of which seed. With `--mutant` a known bug is put back in first, which must be found: then
 * seeds from `--seed` on are tried until it is, at most `--seeds` of them (default 1), and `--mutant all` does so for every known bug and exits with 1 where
 * one was missed.
 */
import { parseArgs } from 'node:util';
import { MUTANT_NAMES, type MutantName } from './mutants.ts';
import { findMutant, simulate, type SimulationResult } from './simulate.ts';

const MUTANT_SEEDS = 1_000;
const MUTANT_STEPS = 20_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    steps: { type: 'string' },
    seeds: { type: 'string' },
    mutant: { type: 'string' },
  },
});
const seed = wholeNumber('--seed', values.seed);
const seeds = wholeNumber('--seeds', values.seeds ?? '1');

if (values.mutant === 'all') process.exitCode = await huntAll();
else process.exitCode = await hunt(values.mutant === undefined ? undefined : mutantName(values.mutant));

async function hunt(mutant: MutantName | undefined): Promise<number> {
  const steps = wholeNumber('--steps', values.steps ?? (mutant === undefined ? '100000' : String(MUTANT_STEPS)));
  for (let tried = 0; tried < seeds; tried += 1) {
    const result = await simulate(seed + tried, steps, mutant);
    print(result);
    if (result.violations.length > 0) return 1;
  }
  return 0;
}

async function huntAll(): Promise<number> {
  const most = values.seeds === undefined ? MUTANT_SEEDS : seeds;
  const steps = wholeNumber('--steps', values.steps ?? String(MUTANT_STEPS));
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

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`simulate: ${option} takes a whole number of at least 0, not "${text}"`);
  process.exit(2);
}

function mutantName(text: string): MutantName {
  const known = MUTANT_NAMES.find((name) => name === text);
  if (known !== undefined) return known;
  console.error(`simulate: there is no mutant "${text}"; known are ${MUTANT_NAMES.join(', ')}, and all`);
  process.exit(2);
}
