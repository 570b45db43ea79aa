import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runDag } from '@tradewind/sdk/testing';
import { describe, expect, test } from 'vitest';
import { branches } from '../dags/branches.ts';
import { groups } from '../dags/groups.ts';
import { markets } from '../dags/many_dags.ts';
import { mappedGroups, mapping } from '../dags/mapping.ts';
import { refresh, report, starter } from '../dags/other_dags.ts';
import { setups } from '../dags/setups.ts';
import { taskLife } from '../dags/task_life.ts';
import { deferral, sensors } from '../dags/waiting.ts';

describe('groups', () => {
  test('are waited for as one', async () => {
    expect((await runDag(groups)).task('load').value).toBe('loaded 240');
    const { state, task } = await runDag(groups, { fakes: { extract: [-1] } });
    expect([state, task('load').state]).toEqual(['failed', 'upstream_failed']);
  });
});

describe('branches', () => {
  test.each([
    [5_000, 'loaded in parts', 'skipped'],
    [5, 'loaded at once', 'success'],
  ])('follow the way for %i rows', async (rows, value, small) => {
    const { task } = await runDag(branches, { params: { rows } });
    expect([task('report').value, task('load_at_once').state, task('refresh_dashboard').state]).toEqual([value, small, 'success']);
  });

  test('follow nothing where there are no rows', async () => {
    const { state, task } = await runDag(branches, { params: { rows: 0 } });
    expect([state, task('report').state, task('refresh_dashboard').state]).toEqual(['success', 'skipped', 'skipped']);
  });

  test('leave the dashboard alone for a single row', async () => {
    expect((await runDag(branches, { params: { rows: 1 } })).task('refresh_dashboard').skipReason).toBe('skipIf holds');
  });
});

describe('mapping', () => {
  test('runs over lists that tasks return', async () => {
    const { task } = await runDag(mapping);
    expect(task('size').instances.map(({ mapIndexLabel }) => mapIndexLabel)).toContain('extra.csv in kB');
    expect(task('list').value).toBe('10 B, 10 kB, 13 B, 13 kB, 9 B, 9 kB');
    expect(task('rename').value).toEqual(['orders.csv → o.csv', 'customers.csv → c.csv']);
    expect(task('purge').value).toEqual(['delete from orders older than 7 days', 'delete from customers older than 30 days']);
  });

  test('runs each index of a group on its own', async () => {
    const { task } = await runDag(mappedGroups);
    expect(task('per_region.count').instances.map(({ state }) => state)).toEqual(['success', 'success', 'skipped']);
    expect(task('total').value).toBe(4);
  });
});

describe('many dags', () => {
  test('made in a loop are dags of their own', async () => {
    expect(markets.map(({ dagId }) => dagId)).toEqual(['engine_market_eu', 'engine_market_us', 'engine_market_jp']);
    const days = await Promise.all(markets.map(async (each) => (await runDag(each)).task('close_day').value));
    expect(days).toEqual(['42 EUR', '42 USD', '42 JPY']);
  });
});

describe('setups', () => {
  test('are taken away when the work fails, too', async () => {
    const { state, task } = await runDag(setups, { fakes: { fill: 0 } });
    expect([state, task('check').state, task('drop_table').state]).toEqual(['failed', 'failed', 'success']);
  });
});

describe('waiting', () => {
  test('finds the file', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-engine-'));
    try {
      writeFileSync(path.join(folder, 'orders.csv'), '');
      const { task } = await runDag(sensors, { params: { folder } });
      expect(task('load').value).toBe(`loaded ${path.join(folder, 'orders.csv')}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('skips where no file comes in time', async () => {
    const { state, task } = await runDag(sensors, { params: { folder: '/nowhere' } });
    expect([state, task('wait_file').state, task('load').state]).toEqual(['success', 'skipped', 'skipped']);
  });

  test('goes on when the job is done', async () => {
    const { task } = await runDag(deferral, { triggers: { batch_job: { rows: 7 } } });
    expect(task('publish').value).toBe('v2: 7 rows');
  });
});

describe('other dags', () => {
  test('are started with params of their own', async () => {
    const { task, triggeredRuns } = await runDag(starter);
    expect(triggeredRuns).toMatchObject([{ dagId: refresh.dagId, conf: { region: 'us' } }]);
    expect(task('done').value).toBe('manual__test is done');
    expect((await runDag(refresh, { params: { region: 'us' } })).state).toBe('success');
  });

  test('are waited for', async () => {
    expect((await runDag(report, { fakes: { refreshed: () => true } })).task('write').value).toBe('written');
  });
});

test('a task gets as many tries as it needs', async () => {
  const { task } = await runDag(taskLife);
  expect([task('extract').tries, task('load').value]).toEqual([3, [1, 2, 3]]);
});
