/**
 * `npm run -s model-test -- --runs N --seed N`
 *
 * Plays drawn scenarios, one for each seed from `--seed` (default 1) on, `--runs` of them (default 5000), and compares the engine with the reference after each step. Ends with the line
 * `seed N runs N disagreements N`. Exit code 1 where they disagree; the lines before show the smallest example found.
 */
import { findDisagreement } from '../packages/core/src/scheduler/testing/find-disagreement.ts';
import { createStage } from '../packages/core/src/scheduler/testing/model-world.ts';
import { readProofOptions } from '../scripts/proof-options.ts';

/** So many runs are played between two signs of life. */
const RUNS_AT_A_TIME = 5_000;

const { wholeNumber } = readProofOptions('model-test -- [--runs N] [--seed N]', { seed: { type: 'string' }, runs: { type: 'string' } });
const seed = wholeNumber('seed', 1);
const runs = wholeNumber('runs', 5_000, 1);
const stage = await createStage();
const startedAt = performance.now();
let disagreements = 0;
for (let done = 0; done < runs && disagreements === 0; done += RUNS_AT_A_TIME) {
  const portion = Math.min(RUNS_AT_A_TIME, runs - done);
  const disagreement = await findDisagreement(stage, { seed: seed + done, runs: portion });
  if (disagreement !== undefined) {
    disagreements += 1;
    console.log(disagreement.text);
  } else if (runs > RUNS_AT_A_TIME) {
    const perSecond = Math.round((done + portion) / ((performance.now() - startedAt) / 1_000));
    console.log(`${done + portion} runs, ${perSecond} a second`);
  }
}
await stage.database.close();
console.log(`seed ${seed} runs ${runs} disagreements ${disagreements}`);
process.exitCode = disagreements === 0 ? 0 : 1;
