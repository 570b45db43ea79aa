import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineStatement } from '../../store/database.ts';
import { EXAMPLE_ORDERS } from '../../store/reads/testing/example-dags.ts';
import { startExampleServer } from '../testing/example-server.ts';
import type { TestServer } from '../testing/test-server.ts';

let running: TestServer;

beforeEach(async () => {
  running = await startExampleServer();
});

afterEach(async () => {
  await running.close();
});

async function read(url: string, status = 200): Promise<unknown> {
  const response = await running.server.inject({ url, headers: running.as('viewer') });
  expect(response.statusCode).toBe(status);
  return response.json();
}

const ORDERS = '/api/v2/tradewind/dags/orders';
const changeVersion = defineStatement<never, [serialized: string]>(
  'test_change_version',
  () => `update dag_version set serialized = $1 where dag_id = 'orders' and version_number = 2`,
  (serialized) => [serialized],
);

describe('versions of a dag', () => {
  test('are listed newest first, with what is on them', async () => {
    expect(await read(`${ORDERS}/versions`)).toMatchObject({
      versions: [
        { version_number: 2, is_current: true, bundle_name: 'dags-folder', bundle_version: 'bundle-2' },
        { version_number: 1, is_current: false },
      ],
      total_entries: 2,
    });
  });

  test('have a definition each', async () => {
    expect(await read(`${ORDERS}/definition`)).toMatchObject({ version: { version_number: 2 }, definition: { dagId: 'orders' } });
    expect(await read(`${ORDERS}/definition?version_number=1`)).toMatchObject({ version: { version_number: 1 } });
    await read(`${ORDERS}/definition?version_number=9`, 404);
  });

  test('are compared with the one before, or with any', async () => {
    const [first, ...rest] = EXAMPLE_ORDERS.tasks;
    const changed = { ...EXAMPLE_ORDERS, maxActiveRuns: 2, tasks: [{ ...first, retries: 5 }, ...rest.slice(0, 1)] };
    await running.database.batch([changeVersion(JSON.stringify(changed))]);
    const forwards = await read(`${ORDERS}/versions/2/changes`);
    expect(forwards).toMatchObject({
      before: { version_number: 1 },
      after: { version_number: 2 },
      options: [{ name: 'maxActiveRuns', before: 16, after: 2 }],
      removed_tasks: ['load'],
      removed_edges: [{ from: 'total', to: 'load' }],
      changed_tasks: [{ task_id: 'extract', options: [{ name: 'retries', before: 2, after: 5 }] }],
    });
    expect(await read(`${ORDERS}/versions/1/changes?since=2`)).toMatchObject({ added_tasks: ['load'] });
    expect(await read(`${ORDERS}/versions/1/changes`, 404)).toMatchObject({
      detail: expect.stringContaining('no version before 1') as string,
    });
  });
});
