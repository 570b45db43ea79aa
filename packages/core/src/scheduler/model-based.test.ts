import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawScenario } from './testing/draw-scenario.ts';
import { findDisagreement } from './testing/find-disagreement.ts';
import { createStage, type Stage } from './testing/model-world.ts';
import { playScenario } from './testing/play-scenario.ts';

/** On a machine that is busy with other tests the runs take many times as long; how long is not what is tested. */
const PATIENCE_MS = 300_000;
const RUNS_EACH = 500;

let stage: Stage;

beforeAll(async () => {
  stage = await createStage();
});

afterAll(async () => {
  await stage.database.close();
});

describe('the engine', { timeout: PATIENCE_MS }, () => {
  test.each(Array.from({ length: 10 }, (_, block) => block * RUNS_EACH + 1))(
    'does what the reference does, from seed %i on',
    async (seed) => {
      const disagreement = await findDisagreement(stage, { seed, runs: RUNS_EACH });
      expect(disagreement?.text).toBeUndefined();
    },
  );

  test('plays the same scenario the same way twice', async () => {
    const scenario = drawScenario(7);
    const { story } = await playScenario(stage, scenario);
    expect((await playScenario(stage, scenario)).story).toEqual(story);
  });
});
