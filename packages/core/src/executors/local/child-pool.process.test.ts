import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AttemptReport, TryOutcome, Workload } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BundleVersion } from '../../dag-processor/bundle-scanner.ts';
import { systemClock } from '../../platform/clock.ts';
import { silentLog } from '../../platform/log.ts';
import { createTestFolder, createWorkload, storeBundle, type TestFolder, type TestTry } from '../testing/test-bundle.ts';
import { attemptKey } from './attempt-key.ts';
import { LocalExecutor, type LocalExecutorOptions } from './local-executor.ts';

const DAG_FILE = `
import { dag } from '@tradewind/sdk';
import { text } from './text.ts';
export const pool = dag('pool', (d) => {
  d.task('pid', { run: () => process.pid });
  d.task('text', { run: () => text });
  d.task('wait', { run: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))) });
  d.task('grow', { run: () => { globalThis.kept = Array.from({ length: 3_000_000 }, (_, index) => ({ index })); return process.pid; } });
  d.task('stop_the_process_later', { run: () => { setTimeout(() => process.exit(7), 0).unref(); return process.pid; } });
});
`;

let folder: TestFolder;
let bundleFolder: string;
let stateFolder: string;
let version: BundleVersion;
let executor: LocalExecutor;
let reports: AttemptReport[];
let onNextReport: (() => void)[];

beforeEach(async () => {
  folder = createTestFolder();
  bundleFolder = path.join(folder.path, 'dags');
  stateFolder = path.join(folder.path, '.tradewind');
  mkdirSync(bundleFolder);
  // Children find the package as they would in an author's project.
  writeFileSync(path.join(bundleFolder, 'text.ts'), `export const text = 'first';\n`);
  writeFileSync(
    path.join(bundleFolder, 'pool.ts'),
    DAG_FILE.replace('@tradewind/sdk', new URL('../../../../sdk/src/index.ts', import.meta.url).href),
  );
  version = await storeBundle(bundleFolder, stateFolder);
  reports = [];
  onNextReport = [];
});

afterEach(async () => {
  await executor.stop();
  folder[Symbol.dispose]();
});

function begin(options: Partial<LocalExecutorOptions> = {}): void {
  executor = new LocalExecutor({
    clock: systemClock,
    log: silentLog,
    stateFolder,
    logsFolder: path.join(folder.path, 'logs'),
    parallelism: 4,
    graceMs: 50,
    onReport: (report) => {
      reports.push(report);
      for (const go of onNextReport.splice(0)) go();
    },
    ...options,
  });
}

type Try = Pick<TestTry, 'taskId'> & Partial<TestTry>;

function dispatch(one: Try): Workload {
  const workload = createWorkload({ version, file: 'pool.ts', dagId: 'pool', ...one });
  executor.dispatch(workload);
  return workload;
}

async function run(one: Try): Promise<TryOutcome> {
  const report = await reported(dispatch(one), 'ended');
  return report.type === 'ended' ? report.outcome : expect.fail();
}

async function reported({ attempt }: Workload, type: AttemptReport['type']): Promise<AttemptReport> {
  for (;;) {
    const found = reports.find((report) => report.type === type && attemptKey(report.attempt) === attemptKey(attempt));
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => onNextReport.push(resolve));
  }
}

async function pidOf(runId: string, more: Partial<TestTry> = {}): Promise<unknown> {
  return valueOf(await run({ taskId: 'pid', runId, ...more }));
}

function valueOf(outcome: TryOutcome): unknown {
  return outcome.result === 'success' ? JSON.parse(outcome.valueJson) : outcome;
}

/** Children are noted while they run. */
const children = (): string[] => {
  const noted = path.join(stateFolder, 'children');
  return existsSync(noted) ? readdirSync(noted).filter((name) => name.endsWith('.json')) : [];
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

describe('the children of the local executor', () => {
  test('are used again: tries one after the other run in one process', async () => {
    begin();
    const pids = [await pidOf('1'), await pidOf('2'), await pidOf('3')];
    expect(new Set(pids).size).toBe(1);
  });

  test('are ready before there is work', async () => {
    begin({ minimumSpare: 2 });
    await until(() => children().length === 2);
    expect(reports).toEqual([]);
  });

  test('are not more than the parallelism, whatever waits', async () => {
    begin({ parallelism: 2 });
    const workloads = [1, 2, 3, 4].map((index) => dispatch({ taskId: 'wait', runId: String(index) }));
    await Promise.all(workloads.slice(0, 2).map((workload) => reported(workload, 'started')));
    const last = dispatch({ taskId: 'pid' });
    for (const { attempt } of workloads) executor.cancel(attempt, 'enough');
    await reported(last, 'ended');
    const pids = new Set(reports.flatMap((report) => (report.type === 'started' ? [report.pid] : [])));
    expect(reports.filter(({ type }) => type === 'started')).toHaveLength(3);
    expect(pids.size).toBe(3);
  });

  test('become more while work waits for those that are there', async () => {
    begin({ minimumSpare: 0 });
    const workloads = [1, 2, 3].map((index) => dispatch({ taskId: 'wait', runId: String(index) }));
    await Promise.all(workloads.map((workload) => reported(workload, 'started')));
    expect(children().length).toBe(3);
  });

  test('end when they have been idle, but for the spare ones', async () => {
    begin({ minimumSpare: 1, idleMs: 100 });
    const workloads = [1, 2, 3].map((index) => dispatch({ taskId: 'wait', runId: String(index) }));
    await Promise.all(workloads.map((workload) => reported(workload, 'started')));
    for (const { attempt } of workloads) executor.cancel(attempt, 'enough');
    await until(() => children().length === 1);
    await pidOf('after');
    await until(() => children().length === 1);
  });

  test('end after so many tries', async () => {
    begin({ maxTries: 2 });
    const pids = [await pidOf('1'), await pidOf('2'), await pidOf('3'), await pidOf('4')];
    expect(pids[0]).toBe(pids[1]);
    expect(pids[2]).not.toBe(pids[1]);
  });

  test('end when a try leaves much of their heap in use', async () => {
    begin({ maxHeapUsedBytes: 64 * 1_048_576 });
    const grown = valueOf(await run({ taskId: 'grow' }));
    expect(await pidOf('after')).not.toBe(grown);
  });

  test('run the code of the version of their try, whatever has become of the files', async () => {
    begin();
    const first = version;
    writeFileSync(path.join(bundleFolder, 'text.ts'), `export const text = 'second';\n`);
    version = await storeBundle(bundleFolder, stateFolder);
    rmSync(path.join(bundleFolder, 'text.ts'));
    const texts: unknown[] = [];
    for (const [index, one] of [first, version, first, version].entries()) {
      texts.push(valueOf(await run({ taskId: 'text', runId: String(index), version: one })));
    }
    expect(texts).toEqual(['first', 'second', 'first', 'second']);
  });

  test('of a version that everybody waits for take the place of idle ones of another', async () => {
    begin({ parallelism: 1 });
    await pidOf('old');
    const other = path.join(folder.path, 'other');
    mkdirSync(other);
    writeFileSync(
      path.join(other, 'pool.ts'),
      DAG_FILE.replace('@tradewind/sdk', new URL('../../../../sdk/src/index.ts', import.meta.url).href),
    );
    writeFileSync(path.join(other, 'text.ts'), `export const text = 'other';\n`);
    const otherVersion = await storeBundle(other, stateFolder);
    expect(valueOf(await run({ taskId: 'text', version: otherVersion }))).toBe('other');
  });

  test('that die of an earlier try do not take the next one with them', async () => {
    begin({ parallelism: 1 });
    for (let round = 0; round < 10; round += 1) {
      const first = dispatch({ taskId: 'stop_the_process_later', runId: `first_${round}` });
      const second = dispatch({ taskId: 'pid', runId: `second_${round}` });
      await reported(first, 'ended');
      const report = await reported(second, 'ended');
      expect(report.type === 'ended' && report.outcome.result).toBe('success');
    }
  });

  test('that cannot be started fail what waits for them, saying why', async () => {
    begin({ workingFolder: path.join(folder.path, 'missing') });
    expect(await run({ taskId: 'pid' })).toMatchObject({
      result: 'failed',
      failure: { kind: 'spawn', message: expect.stringMatching(/no process could be started.*missing exists/) as string },
    });
  });

  test('that never finish importing a file are ended', async () => {
    writeFileSync(path.join(bundleFolder, 'pool.ts'), 'for (;;);\n');
    version = await storeBundle(bundleFolder, stateFolder);
    begin({ importTimeoutMs: 200, idleMs: 100 });
    expect(await run({ taskId: 'pid' })).toMatchObject({
      failure: { kind: 'import', message: expect.stringContaining('not imported after 0.2 s') as string },
    });
  });
});

test.each([
  ['../up', 'pool', /would lie outside/],
  ['a/b', 'pool', /would lie outside/],
])('an id that could lead out of the logs folder fails the try: %j', async (runId, dagId, message) => {
  begin();
  expect(await run({ taskId: 'pid', runId, dagId })).toMatchObject({ failure: { message: expect.stringMatching(message) as string } });
});

test('inputs that are too large for a message fail the try, saying so', async () => {
  begin();
  const inputs = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`input${index}`, 'x'.repeat(1_000_000)]));
  expect(await run({ taskId: 'pid', inputs })).toMatchObject({
    failure: { kind: 'bad_value', message: expect.stringContaining('inputs have') as string },
  });
  expect(await pidOf('after')).toEqual(expect.any(Number));
});
