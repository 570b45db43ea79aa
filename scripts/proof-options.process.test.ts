import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

/** The command line of a proof, as somebody types it. */
function run(program: string, ...words: readonly string[]) {
  const file = path.resolve(import.meta.dirname, '..', program);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...words], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test.each([
  ['simulation/main.ts', ['--nonsense'], "simulate: Unknown option '--nonsense'\nusage: npm run -s simulate -- "],
  ['simulation/main.ts', ['--steps', 'many'], 'simulate: --steps takes a whole number of at least 0, not "many"\n'],
  ['simulation/main.ts', ['--seeds', '0'], 'simulate: --seeds takes a whole number of at least 1, not "0"\n'],
  ['simulation/main.ts', ['--mutant', 'nobody'], 'simulate: there is no mutant "nobody"; known are no-state-guard, '],
  ['simulation/main.ts', ['words'], 'simulate: "words" belongs to no option\n'],
  ['simulation/model-test.ts', ['--runs', ''], 'model-test: --runs takes a whole number of at least 1, not ""\n'],
  ['simulation/sharing/main.ts', ['--runs', '0.5'], 'share: --runs takes a whole number of at least 1, not "0.5"\n'],
  ['simulation/chaos/main.ts', ['--restart-postgres'], 'chaos: --restart-postgres needs --database postgres\n'],
  ['bench/main.ts', ['nothing'], 'bench: name one of chain, fan-out, '],
  ['bench/main.ts', ['chain', '--database', 'oracle'], 'bench: --database takes sqlite or postgres, not "oracle"\n'],
])('%s %j is told what is wrong', (program, words, told) => {
  const { status, stdout, stderr } = run(program, ...words);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr.slice(0, told.length)).toBe(told);
});

test('--help says how it goes', () => {
  const { status, stdout } = run('simulation/main.ts', '--help');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^usage: npm run -s simulate -- \[--seed N\]/);
});
