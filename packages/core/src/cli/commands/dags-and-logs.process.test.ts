import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestFolder, type TestFolder } from '../../executors/testing/test-bundle.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import { taskLogFile } from '../../platform/task-log-file.ts';
import { defineStatement } from '../../store/database.ts';
import { openSqlite } from '../../store/sqlite-database.ts';
import { createDagRun } from '../../store/transitions/create-dag-run.ts';
import { logLine, logLines } from '../../task-logs/testing/log-file.ts';

const MAIN = path.resolve(import.meta.dirname, '../main.ts');
const NODE_MODULES = path.resolve(import.meta.dirname, '../../../../../node_modules');

let folder: TestFolder;

beforeAll(async () => {
  folder = createTestFolder();
  symlinkSync(NODE_MODULES, path.join(folder.path, 'node_modules'));
  mkdirSync(path.join(folder.path, 'dags'));
  writeDag('orders', "d.task('extract', { run: () => 1 }); d.task('check', { run: () => 2 });");
  writeDag('other', '');
  await tradewind('dags', 'list');
  await insertRun();
}, 60_000);

afterAll(() => {
  folder[Symbol.dispose]();
});

function writeDag(dagId: string, body: string): void {
  const text = `import { dag } from '@tradewind/sdk';\nexport const it = dag('${dagId}', { owner: 'sales' }, (d) => { ${body} });\n`;
  writeFileSync(path.join(folder.path, 'dags', `${dagId}.ts`), text);
}

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function tradewind(...args: readonly string[]): Promise<Ended> {
  try {
    return { exitCode: 0, ...(await promisify(execFile)(process.execPath, [MAIN, ...args, '--folder', folder.path])) };
  } catch (error) {
    const { code, stdout, stderr } = error as { readonly code: number; readonly stdout: string; readonly stderr: string };
    return { exitCode: code, stdout, stderr };
  }
}

const insertTask = defineStatement<never, []>(
  'test_insert_task_instance',
  () => `
    insert into task_instance (id, dag_run_id, dag_id, run_id, task_id, map_index, state, epoch, try_number, max_tries, losses, operator, scheduled_at)
    values ('task', 'run', 'orders', 'r1', 'extract', -1, 'success', 1, 1, 1, 0, 'function', 1)`,
  () => [],
);
const setState = defineStatement<never, [state: string]>(
  'test_set_run_state',
  () => `update dag_run set state = $1`,
  (state) => [state],
);

/** A run whose one try has a log of 2,000 lines. */
async function insertRun(): Promise<void> {
  await withDatabase(async (database) => {
    const dag = await database.reads.selectFrom('dag').selectAll().where('dagId', '=', 'orders').executeTakeFirstOrThrow();
    const nothing = { triggeringUser: null, conf: '{}', note: null, logicalAt: null, intervalStartAt: null, intervalEndAt: null };
    await createDagRun(
      database,
      { id: 'run', dagId: 'orders', runId: 'r1', triggeredBy: 'test', runAfterAt: 0, dagVersionId: dag.dagVersionId, ...nothing },
      clock.now(),
    );
    await database.batch([insertTask()]);
  });
  const file = taskLogFile(path.join(folder.path, '.tradewind/logs'), {
    dagId: 'orders',
    runId: 'r1',
    taskId: 'extract',
    mapIndex: -1,
    tryNumber: 1,
  });
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, logLines(1_999) + logLine('it broke', { level: 'error', logger: 'task.stderr', code: 7 }));
}

async function withDatabase(work: (database: ReturnType<typeof openSqlite>) => Promise<unknown>): Promise<void> {
  const database = openSqlite({ file: path.join(folder.path, '.tradewind/database.sqlite'), now: () => clock.now() });
  await work(database);
  await database.close();
}

describe('tasks logs', () => {
  const logs = (...options: readonly string[]): Promise<Ended> => tradewind('tasks', 'logs', 'orders', 'extract', 'r1', ...options);

  test('prints all of a long log without numbers', async () => {
    const lines = (await logs()).stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2_000);
    expect(lines[1_499]).toBe('12:00:00.000 info    line 1500');
  });

  test.each<[readonly string[], readonly string[]]>([
    [
      ['--from', '7', '--to', '8'],
      ['     7 12:00:00.000 info    line 7', '     8 12:00:00.000 info    line 8'],
    ],
    [['--tail', '1'], ['  2000 12:00:00.000 error   it broke code=7']],
    [['--level', 'warning'], ['  2000 12:00:00.000 error   it broke code=7']],
    [['--grep', 'LINE 1234'], ['  1234 12:00:00.000 info    line 1234']],
    [['--follow', '--from', '1999', '--level', 'error'], ['  2000 12:00:00.000 error   it broke code=7']],
    [['--grep', 'nowhere'], []],
  ])('with %o prints the lines that were chosen, with their numbers', async (options, expected) => {
    const { exitCode, stdout } = await logs(...options);
    expect({ exitCode, lines: stdout.split('\n').slice(0, -1) }).toEqual({ exitCode: 0, lines: expected });
  });

  test('gives programs numbers, sources and records', async () => {
    const { stdout } = await logs('--tail', '1', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject([{ line: 2_000, source: 'stderr', group: null, record: { event: 'it broke', code: 7 } }]);
  });

  test.each([
    [['--tail', '1', '--from', '2'], /--tail asks for the last lines/],
    [['--follow', '--to', '2'], /--follow goes on/],
    [['--from', '0'], /whole number of at least 1/],
  ])('refuses %o, saying why', async (options, message) => {
    expect(await logs(...options)).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) as string });
  });
});

describe('dags', () => {
  test('report, details and show say what there is', async () => {
    const report = JSON.parse((await tradewind('dags', 'report', '-o', 'json')).stdout) as unknown[];
    expect(report).toContainEqual(expect.objectContaining({ file: 'orders.ts', dag_ids: ['orders'], task_count: 2 }));
    expect((await tradewind('dags', 'details', 'orders')).stdout).toMatch(/^owners +\["sales"\]$/m);
    expect((await tradewind('dags', 'show', 'orders', '--draw', 'text')).stdout).toBe('extract\ncheck\n');
  }, 60_000);

  test('versions are listed, compared and shown as they were', async () => {
    writeDag('orders', "const a = d.task('extract', { run: () => 1 }); d.task('load', { inputs: { a }, run: ({ a }) => a });");
    const versions = JSON.parse((await tradewind('dags', 'versions', 'orders', '-o', 'json')).stdout) as unknown[];
    expect(versions).toMatchObject([
      { version_number: 2, is_current: true, runs: 0 },
      { version_number: 1, runs: 1 },
    ]);
    const changes = JSON.parse((await tradewind('dags', 'versions', 'orders', '--compare', '2', '-o', 'json')).stdout) as unknown[];
    expect(changes).toEqual([
      { change: 'added', what: 'task load', before: null, after: null },
      { change: 'removed', what: 'task check', before: null, after: null },
      { change: 'added', what: 'edge extract → load', before: null, after: null },
    ]);
    expect((await tradewind('dags', 'show', 'orders', '--draw', 'text', '--dag-version', '1')).stdout).toBe('extract\ncheck\n');
    expect((await tradewind('dags', 'show', 'orders', '--draw', 'text')).stdout).toBe('extract\n└─ load\n');
  }, 60_000);

  test('reserialize reads every file again', async () => {
    const before = JSON.parse((await tradewind('dags', 'report', '-o', 'json')).stdout) as { file: string; last_parsed_time: string }[];
    const after = JSON.parse((await tradewind('dags', 'reserialize', '-o', 'json')).stdout) as typeof before;
    const timeOf = (files: typeof before, file: string): string => files.find((each) => each.file === file)?.last_parsed_time ?? '';
    for (const { file } of before) expect(timeOf(after, file) > timeOf(before, file)).toBe(true);
  }, 60_000);

  test('delete asks, waits for runs, and takes a dag away whose file is gone', async () => {
    expect(await tradewind('dags', 'delete', 'orders')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') as string });
    expect(await tradewind('dags', 'delete', 'orders', '--yes')).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('not ended') as string,
    });
    await withDatabase((database) => database.batch([setState('success')]));
    rmSync(path.join(folder.path, 'dags/orders.ts'));
    expect(await tradewind('dags', 'delete', 'orders', '--yes')).toMatchObject({ exitCode: 0 });
    expect((await tradewind('dags', 'details', 'orders')).exitCode).toBe(3);
    // The file of the other one still defines it.
    await tradewind('dags', 'delete', 'other', '--yes');
    expect((await tradewind('dags', 'details', 'other')).exitCode).toBe(0);
  }, 60_000);
});
