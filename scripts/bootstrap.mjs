/**
 * Makes a fresh clone runnable, on whatever Node the system has (20 or newer) and nothing else.
 *
 * Plain JavaScript without dependencies, because it runs before anything is installed. It compares the
 * lock file's hash with the stamp of the last install and runs `npm ci` only where they differ, so a
 * second start costs a few milliseconds. Each npm script calls it as its "pre" script: the script itself then
 * starts in a new shell, which finds the pinned Node that was installed here first on its PATH.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const OLDEST_NODE_MAJOR = 20;
const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
const stampFile = path.join(root, 'node_modules', '.tradewind-installed');

const nodeMajor = Number(process.versions.node.split('.')[0]);
if (nodeMajor < OLDEST_NODE_MAJOR) {
  fail(`Tradewind needs Node ${OLDEST_NODE_MAJOR} or newer to install itself; this is Node ${process.versions.node}.`);
}

const wanted = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .update(`${process.platform} ${process.arch}`)
  .digest('hex');
const installed = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '';

if (installed !== wanted) {
  install();
  writeFileSync(stampFile, wanted);
}

function install() {
  const startedAt = Date.now();
  process.stderr.write('tradewind: installing the pinned Node, PostgreSQL for the tests and the libraries of package-lock.json …\n');
  const npm = process.env.npm_execpath;
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(command, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (result.error || result.status !== 0) {
    fail(`npm ci failed (${result.error?.message ?? `exit code ${result.status}`}); its output above says why. Nothing was started.`);
  }
  process.stderr.write(`tradewind: installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

function fail(message) {
  process.stderr.write(`tradewind: ${message}\n`);
  process.exit(1);
}
