import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TryOutcome } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { locateCode } from '../dag-processor/bundle-folders.ts';
import { GitRepository } from '../dag-processor/testing/git-repository.ts';
import { LocalExecutor } from '../executors/local/local-executor.ts';
import { createTestFolder, createWorkload, type TestFolder } from '../executors/testing/test-bundle.ts';
import { systemClock as clock } from '../platform/clock.ts';
import { loadConfig, type EnvironmentConfig } from '../platform/config.ts';
import { messageOf } from '../platform/errors.ts';
import { silentLog } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import { selectBundleVersionsInUse, selectDagVersions } from '../store/active-runs.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrate.ts';
import { openSqlite } from '../store/sqlite-database.ts';
import { createDagRun } from '../store/transitions/create-dag-run.ts';
import { bundlePlaces, startDagProcessors, type DagProcessors } from './dag-processors.ts';
import { createParse } from './read-dag-files.ts';

const random = systemRandom(() => clock.now());
const NODE_MODULES = path.resolve(import.meta.dirname, '../../../../node_modules');

let folder: TestFolder;
let database: Database;
let repository: GitRepository;
let processors: DagProcessors | undefined;
let problems: string[];

beforeEach(async () => {
  folder = createTestFolder();
  symlinkSync(NODE_MODULES, path.join(folder.path, 'node_modules'));
  repository = new GitRepository(path.join(folder.path, 'origin'));
  database = openSqlite({ file: ':memory:', now: () => clock.now() });
  await migrate(database, clock.now());
  problems = [];
});

afterEach(async () => {
  await processors?.stop();
  processors = undefined;
  await database.close();
  folder[Symbol.dispose]();
});

function dagFile(dagId: string, value: string): string {
  return `import { dag } from '@tradewind/sdk';\nexport const it = dag('${dagId}', {}, (d) => { d.task('say', { run: () => '${value}' }); });\n`;
}

/** The configuration with these bundles. @param local the dag files of the environment's own folder */
function configure(bundles: readonly Record<string, unknown>[], local: Readonly<Record<string, string>> = {}): EnvironmentConfig {
  rmSync(path.join(folder.path, 'dags'), { recursive: true, force: true });
  for (const [file, content] of Object.entries(local)) {
    mkdirSync(path.join(folder.path, 'dags'), { recursive: true });
    writeFileSync(path.join(folder.path, 'dags', file), content);
  }
  writeFileSync(path.join(folder.path, 'tradewind.json'), JSON.stringify({ bundles }));
  return loadConfig(folder.path, {});
}

const git = (changes: { readonly subfolder?: string } = {}) => ({
  name: 'team',
  kind: 'git',
  repository: 'origin',
  refreshSeconds: 3_600,
  ...changes,
});

async function begin(config: EnvironmentConfig): Promise<DagProcessors> {
  await processors?.stop();
  processors = await startDagProcessors(config, {
    database,
    clock,
    random,
    log: silentLog,
    parse: createParse(config),
    findProblem: () => undefined,
    onProblem: (bundleName, error) => problems.push(`${bundleName}: ${messageOf(error)}`),
  });
  await processors.settled();
  return processors;
}

async function dags(): Promise<string[]> {
  const rows = await database.reads.selectFrom('dag').selectAll().orderBy('dagId').execute();
  return rows.map(({ dagId, file, bundleName, bundleVersion, isStale }) =>
    [dagId, file, bundleName, bundleVersion.slice(0, 40), ...(isStale === 1 ? ['stale'] : [])].join(' '),
  );
}

const importErrors = async (): Promise<string[]> =>
  (await database.reads.selectFrom('importError').selectAll().orderBy('path').execute()).map(
    ({ path: file, message }) => `${file}: ${message}`,
  );

/** Queues a run of a dag, on whatever version the dag is on now. */
async function queueRun(dagId: string, runId: string): Promise<void> {
  const dag = await database.reads.selectFrom('dag').selectAll().where('dagId', '=', dagId).executeTakeFirstOrThrow();
  const nothing = { triggeringUser: null, conf: '{}', note: null, logicalAt: null, intervalStartAt: null, intervalEndAt: null };
  const run = { id: random.uuid(), dagId, runId, triggeredBy: 'test', runAfterAt: 0, dagVersionId: dag.dagVersionId, ...nothing } as const;
  expect(await createDagRun(database, run, clock.now())).toEqual({ outcome: 'created' });
}

/** Runs the task of a queued run as the scheduler would have it run. */
async function runTask(config: EnvironmentConfig, runId: string): Promise<TryOutcome> {
  const run = await database.reads.selectFrom('dagRun').selectAll().where('runId', '=', runId).executeTakeFirstOrThrow();
  const [[version]] = await database.batch([selectDagVersions([run.dagVersionId])]);
  const code = locateCode(bundlePlaces(config), version?.file ?? '', run.bundleVersion);
  const ended = Promise.withResolvers<TryOutcome>();
  const executor = new LocalExecutor({
    clock,
    log: silentLog,
    stateFolder: config.stateFolder,
    logsFolder: config.logsFolder,
    workingFolder: folder.path,
    maxHeapMegabytes: 64,
    parallelism: 1,
    onReport: (report) => {
      if (report.type === 'ended') ended.resolve(report.outcome);
    },
  });
  executor.dispatch(createWorkload({ version: code, file: code.file, dagId: run.dagId, taskId: 'say', runId }));
  const outcome = await ended.promise;
  await executor.stop();
  return outcome;
}

const says = (value: string) => ({ result: 'success', valueJson: JSON.stringify(value) });

describe('a run of a dag of a git bundle', () => {
  test('stays on the commit that it started with: the file is changed, broken and deleted, the branch is moved by force, the bundle is taken out', async () => {
    const config = configure([git({ subfolder: 'dags' })]);
    const first = repository.commit({ 'dags/orders.ts': dagFile('orders', 'one') });
    const running = await begin(config);
    expect(await dags()).toEqual([`orders team//dags//orders.ts team ${first}`]);
    await queueRun('orders', 'before');

    const second = repository.commit({ 'dags/orders.ts': dagFile('orders', 'two') });
    await running.reread();
    expect(await dags()).toEqual([`orders team//dags//orders.ts team ${second}`]);
    await queueRun('orders', 'after');
    expect(await runTask(config, 'before')).toMatchObject(says('one'));
    expect(await runTask(config, 'after')).toMatchObject(says('two'));

    repository.commit({ 'dags/orders.ts': 'export const it = ;' });
    await running.reread();
    expect(await dags()).toEqual([`orders team//dags//orders.ts team ${second}`]);
    expect(await importErrors()).toEqual([expect.stringContaining('team//dags//orders.ts: ') as string]);
    expect(await runTask(config, 'before')).toMatchObject(says('one'));

    repository.git('reset', '--quiet', '--hard', `${first}~0`);
    const forced = repository.commit({ 'dags/orders.ts': undefined, 'dags/sales/orders.ts': dagFile('orders', 'three') });
    await running.reread();
    expect(await dags()).toEqual([`orders team//dags//sales/orders.ts team ${forced}`]);
    expect(await importErrors()).toEqual([]);
    const [inUse] = await database.batch([selectBundleVersionsInUse(0)]);
    await running.prune(new Set(inUse.map(({ bundleVersion }) => bundleVersion)));
    expect(await runTask(config, 'before')).toMatchObject(says('one'));
    expect(await runTask(config, 'after')).toMatchObject(says('two'));

    const without = configure([], { 'mine.ts': dagFile('mine', 'four') });
    await begin(without);
    expect(await dags()).toEqual([
      expect.stringMatching(/^mine mine\.ts dags-folder /) as string,
      `orders team//dags//sales/orders.ts team ${forced} stale`,
    ]);
    expect(await runTask(without, 'before')).toMatchObject(says('one'));
  }, 60_000);
});

describe('several bundles', () => {
  test('hold their dags beside those of the folder, also under the same names of files', async () => {
    repository.commit({ 'a.ts': dagFile('from_git', '1') });
    const shared = path.join(folder.path, 'shared');
    mkdirSync(shared);
    writeFileSync(path.join(shared, 'a.ts'), dagFile('from_shared', '2'));
    const config = configure([git(), { name: 'shared', kind: 'local', folder: 'shared' }], { 'a.ts': dagFile('mine', '3') });
    await begin(config);
    expect((await dags()).map((dag) => dag.split(' ').slice(0, 3).join(' '))).toEqual([
      'from_git team//.//a.ts team',
      'from_shared shared//a.ts shared',
      'mine a.ts dags-folder',
    ]);
    for (const [dagId, value] of [
      ['from_git', '1'],
      ['from_shared', '2'],
      ['mine', '3'],
    ] as const) {
      await queueRun(dagId, dagId);
      expect(await runTask(config, dagId)).toMatchObject(says(value));
    }
  }, 60_000);

  test('that define the same dag: the first has it, and the file of the other has an import error until the first gives it up', async () => {
    repository.commit({ 'orders.ts': dagFile('orders', 'git') });
    const running = await begin(configure([git()], { 'mine.ts': dagFile('orders', 'mine') }));
    expect(await dags()).toEqual([expect.stringMatching(/^orders mine\.ts dags-folder /) as string]);
    expect(await importErrors()).toEqual([
      'team//.//orders.ts: dag "orders" is also defined in mine.ts of bundle "dags-folder", which comes first in the configuration and wins; give one of them another id',
    ]);
    rmSync(path.join(folder.path, 'dags/mine.ts'));
    await running.reread();
    await running.reread();
    expect(await dags()).toEqual([expect.stringMatching(/^orders team\/\/\.\/\/orders\.ts team /) as string]);
    expect(await importErrors()).toEqual([]);
  }, 60_000);

  test('do not wait for a repository that cannot be reached', async () => {
    renameSync(repository.folder, `${repository.folder}-away`);
    await begin(configure([git()], { 'mine.ts': dagFile('mine', '1') }));
    expect((await dags()).map((dag) => dag.split(' ')[0])).toEqual(['mine']);
    expect(problems).toEqual([expect.stringMatching(/^team: git fetch of .*origin/) as string]);
  }, 60_000);
});
