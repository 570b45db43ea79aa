/** `npm run verify`: everything that CI runs, the static checks first because they are quick. */
import { runSteps } from './run-step.ts';

process.exitCode = Math.min(
  1,
  await runSteps([
    { name: 'format', command: ['oxfmt', '--check', '.'] },
    { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
    { name: 'types', command: ['node', 'node_modules/typescript-7/bin/tsc', '--noEmit'] },
    { name: 'layers', command: ['node', 'scripts/check-layers.mjs'] },
    { name: 'unused code', command: ['knip', '--no-progress'] },
    { name: 'tests', command: ['node', 'scripts/test.ts'] },
  ]),
);
