/** `npm test`: all tests, with a closing line `N passed, N failed` that scripts can read. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
}

const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-test-'));
const reportFile = path.join(folder, 'report.json');
const vitest = spawn(
  'vitest',
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
);
const exitCode = await new Promise<number>((resolve) => {
  vitest.once('exit', (code) => {
    resolve(code ?? 1);
  });
});

const report = readReport();
// A file that does not load fails the run without failing a test: it counts as one.
const failed = report === undefined ? 1 : Math.max(report.numFailedTests, exitCode === 0 ? 0 : 1);
console.log(`${report?.numPassedTests ?? 0} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function readReport(): Report | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
