import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPOSITORY, tradewind, type CommandResult } from './command.ts';

const DAG = `
import { cronInterval, dag } from '@tradewind/sdk';
export const sales = dag('sales', { schedule: cronInterval('0 0 * * *', { timezone: 'Europe/Berlin' }) }, (d) => {
  d.task('load', { run: () => 1 });
});
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-backfill-'));
  mkdirSync(path.join(folder, 'dags'));
  symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'dags/sales.ts'), DAG);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const backfill = (...args: string[]): Promise<CommandResult> => tradewind(['backfill', ...args], { cwd: folder });
const RANGE = ['--dag-id', 'sales', '--from-date', '2026-03-28', '--to-date', '2026-03-30'];

test('a backfill is looked at, created, listed, paused and cancelled from the command line', async () => {
  const dryRun = await backfill('create', ...RANGE, '--dry-run', '-o', 'json');
  expect(JSON.parse(dryRun.stdout)).toMatchObject([{ logical_date: '2026-03-28T23:00:00Z' }, { logical_date: '2026-03-29T22:00:00Z' }]);

  const created = await backfill('create', ...RANGE, '--max-active-runs', '1', '--run-backwards', '-o', 'json');
  expect(JSON.parse(created.stdout)).toMatchObject([{ id: 1, dag_id: 'sales', max_active_runs: 1, completed_at: null }]);
  const again = await backfill('create', ...RANGE);
  expect(again).toMatchObject({
    exitCode: 5,
    stderr: expect.stringContaining('There is already a running backfill for dag sales') as string,
  });

  expect((await backfill('pause', '1')).stdout).toMatch(/ true\s/);
  expect((await backfill('cancel', '1')).exitCode).toBe(0);
  expect(await backfill('unpause', '1')).toMatchObject({ exitCode: 5 });
  expect(await backfill('cancel', '9')).toMatchObject({ exitCode: 3 });
  const listed = await backfill('list', '--dag-id', 'sales', '-o', 'json');
  expect(JSON.parse(listed.stdout)).toMatchObject([{ id: 1, is_paused: true, completed_at: expect.any(String) as string }]);
});

test('the next runs of a dag are shown with their data intervals', async () => {
  const { stdout } = await tradewind(['dags', 'next-execution', 'sales', '-n', '3', '-o', 'json'], { cwd: folder });
  const runs = JSON.parse(stdout) as { readonly data_interval_start: string; readonly data_interval_end: string }[];
  expect(runs).toHaveLength(3);
  expect(runs[1]?.data_interval_start).toBe(runs[0]?.data_interval_end);
});
