import { createChance } from './chance.ts';
import type { Scenario } from './play-scenario.ts';
import { drawDag } from './random-dag.ts';

/** Draws what is to be played: the same for the same seed. */
export function drawScenario(seed: number): Scenario {
  const chance = createChance(seed, 'scenario');
  const hasPast = chance.happens(0.15);
  const isRough = chance.happens(0.3);
  return {
    seed,
    dag: drawDag(chance, { dagId: 'dag', mostTasks: 6, hasPast }),
    parallelism: chance.pick([1, 3, 32]),
    mostRuns: hasPast ? 3 : chance.pick([1, 1, 2]),
    mostSteps: 12,
    mostCrashes: isRough ? 2 : 0,
    mostOperations: isRough || chance.happens(0.3) ? 3 : 0,
    hasPauses: chance.happens(0.1),
    calm: new Set(),
  };
}
