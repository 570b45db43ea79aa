import type { SerializedDag } from '@tradewind/protocol';
import { drawScenario } from './draw-scenario.ts';
import type { Stage } from './model-world.ts';
import { playScenario, type PlayResult, type Scenario } from './play-scenario.ts';
import { shrinkScenario } from './shrink-scenario.ts';

/** Which scenarios are played: those of `runs` seeds from `seed` on. */
export interface Search {
  readonly seed: number;
  readonly runs: number;
}

/** A scenario in which the engine and the reference disagree, made as small as possible. */
export interface Disagreement {
  /** The seed of the scenario as it was drawn. */
  readonly seed: number;
  /** What they disagree about, the dag, and what was done to it: for people. */
  readonly text: string;
}

/** Plays scenarios until the engine does something that the reference would not; undefined where it never does. */
export async function findDisagreement(stage: Stage, { seed, runs }: Search): Promise<Disagreement | undefined> {
  for (let place = 0; place < runs; place += 1) {
    const scenario = drawScenario(seed + place);
    const result = await playScenario(stage, scenario);
    if (result.problems.length === 0) continue;
    const smallest = await shrinkScenario({ scenario, result }, (smaller) => playScenario(stage, smaller));
    return { seed: seed + place, text: describe(seed + place, smallest) };
  }
  return undefined;
}

function describe(seed: number, { scenario, result }: { readonly scenario: Scenario; readonly result: PlayResult }): string {
  return [
    `seed ${seed}: the engine and the reference disagree. The smallest example found:`,
    ...result.problems.map((problem) => `  ${problem}`),
    'with the dag',
    ...describeDag(scenario.dag),
    'when this happens:',
    ...result.story.map((line) => `  ${line}`),
  ].join('\n');
}

function describeDag({ tasks, groups = [], maxActiveRuns, maxActiveTasks, failFast }: SerializedDag): string[] {
  const lines = tasks.map(({ isolation: _isolation, outlets: _outlets, inputs: _inputs, ...task }) => JSON.stringify(task));
  return [...lines, ...groups.map((group) => JSON.stringify(group)), JSON.stringify({ maxActiveRuns, maxActiveTasks, failFast })].map(
    (line) => `  ${line}`,
  );
}
