/**
 * Checks who may import whom (ARCHITECTURE.md, adr/0001) and prints each import that breaks a rule.
 *
 * The checker reads sources with TypeScript 6, which is installed for it alone; with the project's own
 * TypeScript 7 it would find no module at all and report success, so the number of modules is checked too.
 */
import path from 'node:path';
import process from 'node:process';
import { cruise } from 'dependency-cruiser';

const PROCESSES = ['dag-processor', 'scheduler', 'executors', 'triggerer', 'federation', 'api'];
const TESTS = '\\.(test|test-d|contract)\\.ts$|/testing/';
const FEWEST_MODULES = 200;

const forbid = (name, from, to, comment) => ({ name, severity: 'error', comment, from: { path: from, pathNot: TESTS }, to });
const forbidden = [
  { name: 'no-cycles', severity: 'error', comment: 'two files that need each other are one file', from: {}, to: { circular: true } },
  forbid('protocol-is-the-bottom', '^packages/protocol/', { path: '^packages/(?!protocol/)' }, 'the shared words import nothing of ours'),
  forbid('sdk-knows-only-protocol', '^packages/sdk/', { path: '^packages/(?!sdk/|protocol/)' }, 'an author installs no server'),
  forbid('providers-know-the-sdk', '^packages/providers/', { path: '^packages/(core|ui)/' }, 'a provider extends the author side'),
  forbid('core-never-imports-author-code', '^packages/core/', { path: '^packages/(sdk|providers|ui)/' }, 'core spawns author code'),
  forbid(
    'model-is-pure',
    '^packages/core/src/model/',
    // A hash is a function of its text.
    { pathNot: '^packages/(core/src/model|protocol)/|node_modules/@cfworker/json-schema/|^crypto$' },
    'decisions do no I/O',
  ),
  forbid(
    'store-knows-its-ground',
    '^packages/core/src/store/',
    { path: '^packages/core/src/(?!store/|platform/|model/)' },
    'the store serves every process',
  ),
  forbid(
    'task-logs-know-files',
    '^packages/core/src/task-logs/',
    { path: '^packages/core/src/(?!task-logs/|platform/)' },
    'a log is a file, whoever reads it',
  ),
  forbid('platform-is-the-ground', '^packages/core/src/platform/', { path: '^packages/core/src/(?!platform/)' }, 'ports know no one'),
  forbid(
    'only-the-store-speaks-sql',
    '^packages/core/src/(?!store/)',
    { path: 'node_modules/(kysely|pg)/|^sqlite$|^node:sqlite$' },
    'SQL lives in store/',
  ),
  ...PROCESSES.map((name) =>
    forbid(
      `${name}-is-alone`,
      `^packages/core/src/${name}/`,
      { path: `^packages/core/src/(cli|${PROCESSES.filter((other) => other !== name).join('|')})/` },
      'processes meet in the database or through a port handed in by cli',
    ),
  ),
];

const root = path.resolve(import.meta.dirname, '..');
const { output } = await cruise(
  ['packages'],
  {
    baseDir: root,
    ruleSet: { forbidden },
    validate: true,
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(hostile|\\.tradewind)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
  undefined,
  { tsConfig: undefined },
);

const { summary, modules } = output;
for (const { rule, from, to } of summary.violations) {
  const { comment } = forbidden.find(({ name }) => name === rule.name) ?? {};
  process.stdout.write(`${rule.name}: ${from} → ${to} (${comment})\n`);
}
if (modules.length < FEWEST_MODULES) {
  process.stdout.write(`only ${modules.length} modules were found: the layer check cannot see the sources\n`);
}
process.stdout.write(`layers: ${modules.length} modules, ${summary.violations.length} violations\n`);
process.exit(summary.violations.length > 0 || modules.length < FEWEST_MODULES ? 1 : 0);
