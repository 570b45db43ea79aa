import type { Violation } from './known-run.ts';
import { STALE_MUTATIONS, type MutantName } from './mutants.ts';
import { createSeededRandom } from './seeded-random.ts';
import { playEpisode } from './world.ts';

/** What a simulation found. */
export interface SimulationResult {
  readonly seed: number;
  readonly steps: number;
  /** Digest of every step: the same seed and steps give the same. */
  readonly hash: string;
  readonly violations: readonly Violation[];
  /** The step at which the first violation was seen. */
  readonly violatedAt?: number;
}

/** Steps of trouble in one episode: long enough for leases to be lost and won back, short enough for many different worlds. */
const EPISODE_STEPS = 4_000;

/** Plays episodes until `steps` steps are done or something is violated. Throws where the known bug cannot be put back in. */
export async function simulate(seed: number, steps: number, mutant?: MutantName): Promise<SimulationResult> {
  let done = 0;
  let hash = 0;
  for (let episode = 0; done < steps; episode += 1) {
    const random = createSeededRandom(seed * 1_000_003 + episode);
    const result = await playEpisode(random, Math.min(EPISODE_STEPS, steps - done), mutant);
    if (STALE_MUTATIONS.size > 0) throw new Error([...STALE_MUTATIONS].join('; '));
    done += result.steps;
    hash = (Math.imul(hash, 31) + Number.parseInt(result.hash, 16)) | 0;
    if (result.violations.length > 0) return { seed, steps, hash: digits(hash), violations: result.violations, violatedAt: done };
  }
  return { seed, steps, hash: digits(hash), violations: [] };
}

/**
 * Looks for a known bug with one seed; undefined where nothing is violated. Throws where something is violated without the bug as well: then it is another bug that was found.
 */
export async function findMutant(seed: number, steps: number, mutant: MutantName): Promise<SimulationResult | undefined> {
  const found = await simulate(seed, steps, mutant);
  if (found.violations.length === 0) return undefined;
  const [known] = (await simulate(seed, steps)).violations;
  if (known !== undefined) throw new Error(`seed ${seed} violates ${known.invariant} without ${mutant}, too: ${known.message}`);
  return found;
}

function digits(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, '0');
}
