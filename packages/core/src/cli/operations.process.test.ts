import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestFolder, type TestFolder } from './testing/test-folder.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/tradewind.mjs');
const SDK = path.resolve(import.meta.dirname, '../../../sdk/src/index.ts');

const DAG = `
import { dag } from ${JSON.stringify(SDK)};
export const orders = dag('orders', { params: { factor: { type: 'integer', default: 2 } } }, (d) => {
  const rows = d.task('rows', { run: () => [1, 2] });
  const total = d.task('total', { inputs: { rows }, retries: 3, run: ({ rows }, { params }) => {
    if (rows.length === 0) throw new Error('there are no rows');
    console.log('total', rows.length * Number(params.factor));
  } });
  d.task('load', { after: [total], run: () => {} });
});
`;

let folder: TestFolder;

beforeAll(() => {
  folder = createTestFolder({ 'dags/orders.ts': DAG, 'package.json': '{"type": "module"}' });
});

afterAll(() => {
  folder[Symbol.dispose]();
});

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function tradewind(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args, '--folder', folder.path], (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

describe('tasks test', () => {
  test('runs one try of one task with the inputs that it is given, and leaves no database', async () => {
    const { exitCode, stdout } = await tradewind(
      'tasks',
      'test',
      'orders',
      'total',
      '--input',
      'rows=[1, 2, 3]',
      '--conf',
      '{"factor": 5}',
    );
    expect(stdout).toMatch(/^\[total\] total 15\norders success in /);
    expect(exitCode).toBe(0);
    expect(existsSync(path.join(folder.path, '.tradewind/database.sqlite'))).toBe(false);
  });

  test('tries once and ends with 1 where that fails', async () => {
    const { exitCode, stdout } = await tradewind('tasks', 'test', 'orders', 'total', '-i', 'rows=[]');
    expect(stdout.match(/there are no rows/g)?.length).toBeGreaterThan(0);
    expect(stdout.match(/failed \(error\)/g)).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  test('names the inputs that are missing, and those that there are not', async () => {
    const { exitCode, stderr } = await tradewind('tasks', 'test', 'orders', 'total', '-i', 'other=1');
    expect(stderr).toContain(`it has no input other; give --input 'rows=<json>'`);
    expect(exitCode).toBe(2);
  });
});

describe('on an environment that does not run', () => {
  test('pools are set, exported, deleted and imported', async () => {
    const file = path.join(folder.path, 'pools.json');
    await tradewind('pools', 'set', 'warehouse', '4', 'loads');
    await tradewind('pools', 'set', 'warehouse', '5', 'loads', '--include-deferred');
    expect((await tradewind('pools', 'export', file)).exitCode).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ warehouse: { slots: 5, description: 'loads', include_deferred: true } });
    expect((await tradewind('pools', 'delete', 'warehouse')).exitCode).toBe(0);
    expect((await tradewind('pools', 'get', 'warehouse')).exitCode).toBe(3);
    expect((await tradewind('pools', 'import', file)).stderr).toBe('2 pools imported\n');
    expect((await tradewind('pools', 'get', 'warehouse', '-o', 'plain')).stdout).toMatch(/^warehouse +5 +0 +5 +true +loads\n$/);
  });

  test('a run is found by its id or its logical date, explained, cleared and marked', async () => {
    await tradewind('dags', 'trigger', 'orders', '--run-id', 'r1', '--logical-date', '2026-11-20T00:00:00Z');
    expect((await tradewind('dags', 'state', 'orders', 'r1')).stdout).toBe('queued\n');
    expect((await tradewind('dags', 'state', 'orders', '2026-11-20')).stdout).toBe('queued\n');
    expect((await tradewind('dags', 'state', 'orders', 'r2')).exitCode).toBe(3);
    const why = await tradewind('why', 'orders', 'total', 'r1');
    expect(why.stdout).toMatch(
      /^total waits: run r1 has not started, because no scheduler is running: start the environment\.\n\nyes +definition/,
    );
    expect((await tradewind('why', 'orders')).stdout).toMatch(/^orders does not run: no scheduler is running/);
    const nothing = await tradewind('tasks', 'clear', 'orders', '--run-id', 'r1', '--yes');
    expect(nothing).toMatchObject({ exitCode: 0, stderr: 'there is nothing to clear\n' });
    const unknown = await tradewind('tasks', 'clear', 'orders', '--task-regex', '^x', '--yes');
    expect(unknown.stderr).toContain('no task of dag "orders" matches ^x; it has rows, total, load');
  });

  test('a reset wants to be sure, and empties the database', async () => {
    expect(await tradewind('db', 'reset')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Add --yes') as unknown });
    expect((await tradewind('dags', 'list-runs', 'orders', '-o', 'plain')).stdout).toContain('r1');
    expect((await tradewind('db', 'reset', '--yes')).exitCode).toBe(0);
    expect((await tradewind('dags', 'list-runs', 'orders', '-o', 'plain')).stdout).toBe('');
  });

  test('a cleaning says how much it would delete', async () => {
    const { stdout, stderr } = await tradewind(
      'db',
      'clean',
      '--clean-before-timestamp',
      '2026-01-01',
      '--tables',
      'dag_run,job',
      '--dry-run',
      '-o',
      'json',
    );
    expect(JSON.parse(stdout)).toEqual([
      { table: 'dag_run', rows: 0 },
      { table: 'job', rows: 0 },
    ]);
    expect(stderr).toBe('so much would be deleted; nothing was changed\n');
  });
});
