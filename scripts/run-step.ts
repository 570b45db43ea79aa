import { spawn } from 'node:child_process';

/** One check of `npm test` or `npm run verify`: its name as people see it and the command that runs it. */
export interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/**
 * Runs the steps one after the other, prints how each ended, and returns the number that failed.
 * A failed step does not stop the later ones: one run names everything that is wrong.
 */
export async function runSteps(steps: readonly Step[]): Promise<number> {
  const failed: string[] = [];
  for (const step of steps) {
    const startedAt = performance.now();
    const exitCode = await run(step);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${exitCode === 0 ? 'ok  ' : 'FAIL'} ${step.name} (${seconds} s)`);
    if (exitCode !== 0) failed.push(step.name);
  }
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  return failed.length;
}

function run({ command: [program, ...rest] }: Step): Promise<number> {
  const child = spawn(program, rest, { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}
