import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineStatement } from '../../store/database.ts';
import { startExampleServer } from '../testing/example-server.ts';
import type { TestServer } from '../testing/test-server.ts';

let running: TestServer;
let reread: (readonly string[] | 'all')[];

beforeEach(async () => {
  reread = [];
  running = await startExampleServer({
    dagFiles: {
      reread: (files) => {
        reread.push(files ?? 'all');
        return Promise.resolve();
      },
      readSource: (file, bundleVersion) => Promise.resolve(file === 'orders.ts' ? `// ${file} at ${bundleVersion}` : undefined),
    },
  });
  await running.database.batch([addFiles()]);
});

afterEach(async () => {
  await running.close();
});

const addFiles = defineStatement<never, []>(
  'test_add_dag_files',
  () => `
    insert into dag_file (path, content_hash, dependencies, warnings, parsed_at)
    values ('orders.ts', 'x', '{}', '["it prints"]', 1), ('broken.ts', 'x', '{}', '[]', 1), ('team//.//lib.ts', 'x', '{}', '[]', 1)`,
  () => [],
);
const endRuns = defineStatement<never, []>(
  'test_end_runs',
  () => `update dag_run set state = 'success' where dag_id = 'orders'`,
  () => [],
);

async function ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, status = 200): Promise<unknown> {
  const response = await running.server.inject({ method, url, headers: running.as('op') });
  expect({ status: response.statusCode, body: response.body }).toMatchObject({ status });
  return response.body === '' ? undefined : response.json();
}

describe('deleting a dag', () => {
  test('is refused while one of its runs has not ended, and says so', async () => {
    expect(await ask('DELETE', '/api/v2/dags/orders', 409)).toMatchObject({ detail: expect.stringContaining('have not ended') as string });
    expect(reread).toEqual([]);
  });

  test('takes it away and has its file read again', async () => {
    await running.database.batch([endRuns()]);
    await ask('DELETE', '/api/v2/dags/orders');
    await ask('GET', '/api/v2/dags/orders', 404);
    expect(reread).toEqual([['orders.ts']]);
    expect(running.wakes()).toBe(1);
    await ask('DELETE', '/api/v2/dags/orders', 404);
  });
});

describe('the source of a dag', () => {
  test('is that of the current version, or of a numbered one', async () => {
    expect(await ask('GET', '/api/v2/dagSources/orders')).toMatchObject({ content: '// orders.ts at bundle-2', version_number: 2 });
    await ask('GET', '/api/v2/dagSources/orders?version_number=9', 404);
    await ask('GET', '/api/v2/dagSources/profiles', 404);
  });

  test('comes as plain text where that is asked for', async () => {
    const headers = { ...running.as('viewer'), accept: 'text/plain' };
    const response = await running.server.inject({ url: '/api/v2/dagSources/orders', headers });
    expect([response.headers['content-type'], response.body]).toEqual(['text/plain; charset=utf-8', '// orders.ts at bundle-2']);
  });
});

test('a file is read again by the token that its dag has', async () => {
  const { file_token: token } = (await ask('GET', '/api/v2/dags/orders')) as { file_token: string };
  await ask('PUT', `/api/v2/parseDagFile/${token}`, 201);
  expect(reread).toEqual([['orders.ts']]);
  await ask('PUT', `/api/v2/parseDagFile/${Buffer.from('../../etc/passwd').toString('base64url')}`, 404);
});

test('the report has every dag file with its dags, tasks and problems', async () => {
  expect(await ask('GET', '/api/v2/tradewind/dagFiles')).toMatchObject({
    files: [
      { file: 'broken.ts', dag_ids: ['broken'], import_error: "Unexpected token '}'" },
      { file: 'orders.ts', bundle_name: 'dags-folder', dag_ids: ['orders'], task_count: 3, warnings: ['it prints'], duration: 0.042 },
      { file: 'lib.ts', bundle_name: 'team', dag_ids: [], duration: null, import_error: null },
    ],
  });
  expect(await ask('POST', '/api/v2/tradewind/dagFiles/reread')).toMatchObject({ files: { length: 3 } });
  expect(reread).toEqual(['all']);
});

test('details say what the author says of the dag, in Airflow’s words', async () => {
  expect(await ask('GET', '/api/v2/dags/orders/details')).toMatchObject({
    doc_md: 'Reads, sums and loads.\nAsk sales about the regions.',
    timezone: 'UTC',
    catchup: false,
    asset_expression: null,
    latest_dag_version: { version_number: 2, bundle_name: 'dags-folder' },
  });
});
