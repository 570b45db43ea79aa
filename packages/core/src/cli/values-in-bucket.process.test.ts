import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';
import { startS3Server, type S3Server } from '../platform/testing/s3-server.ts';
import { openValueFiles } from '../platform/value-files.ts';
import { startEnvironment, type RunningEnvironment } from './environment.ts';
import { openValues } from './open-values.ts';
import { createTestFolder, type TestFolder } from './testing/test-folder.ts';

const SDK = path.resolve(import.meta.dirname, '../../../sdk/src/index.ts');
const DAG = `
import { dag } from ${JSON.stringify(SDK)};
export const orders = dag('orders', { taskDefaults: { retries: 1, retryDelay: { seconds: 0 } } }, (d) => {
  const rows = d.task('rows', { run: () => Array.from({ length: 3 }, (_, index) => String(index).repeat(1000)) });
  d.task('total', { inputs: { rows }, run: async ({ rows }, { xcom, tryNumber }) =>
    [rows.length, (await xcom.pull({ taskId: 'rows' })).length, tryNumber] });
});
`;

let server: S3Server;
let folder: TestFolder;
let environment: RunningEnvironment;
let onEnded: (state: string) => void = () => {};

beforeAll(async () => {
  server = await startS3Server('values');
  const aws = { endpoint: 'http://127.0.0.1:9', region: 'eu-central-1', accessKeyId: 'key', secretAccessKey: 'secret' };
  const xcom = { offloadBytes: 100, store: 's3://values/teams', endpoint: server.endpoint };
  folder = createTestFolder({
    'dags/orders.ts': DAG,
    'package.json': '{"type": "module"}',
    'tradewind.json': JSON.stringify({ environment: { name: 'sales' }, api: { port: 0 }, aws, xcom }),
  });
  const known = Promise.withResolvers<void>();
  environment = await startEnvironment(loadConfig(folder.path, {}), {
    log: silentLog,
    observe: (activity) => {
      if (activity.type === 'dag_run' && ['success', 'failed'].includes(activity.state)) onEnded(activity.state);
    },
    onDagsChanged: () => known.resolve(),
  });
  await known.promise;
});

afterAll(async () => {
  await environment.stop();
  await server.stop();
  folder[Symbol.dispose]();
});

async function ask(method: string, url: string, body?: object): Promise<unknown> {
  const response = await send(method, url, body);
  expect(response.ok).toBe(true);
  return response.status === 204 ? undefined : response.json();
}

async function send(method: string, url: string, body?: object): Promise<Response> {
  const { token } = JSON.parse(readFileSync(path.join(folder.path, '.tradewind/environment.json'), 'utf8')) as { token: string };
  return fetch(`${environment.address}/api/v2/dags/orders/dagRuns${url}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function runToItsEnd(): Promise<string> {
  const ended = Promise.withResolvers<string>();
  onEnded = ended.resolve;
  const { dag_run_id: runId } = (await ask('POST', '', { logical_date: null })) as { readonly dag_run_id: string };
  expect(await ended.promise).toBe('success');
  return `/${encodeURIComponent(runId)}`;
}

test('large values go through the bucket from task to task, are shown, and go with their run', async () => {
  const run = await runToItsEnd();
  expect([...server.objects.keys()]).toEqual([expect.stringMatching(/^teams\/sales\/[\w-]+\/[0-9a-f]{64}\.json$/)]);
  expect(await ask('GET', `${run}/taskInstances/total/xcomEntries/return_value`)).toMatchObject({ value: [3, 3, 1] });
  const { value } = (await ask('GET', `${run}/taskInstances/rows/xcomEntries/return_value`)) as { readonly value: readonly string[] };
  expect(value).toEqual(['0', '1', '2'].map((digit) => digit.repeat(1_000)));
  await ask('DELETE', run);
  expect(server.objects.size).toBe(0);
});

test('a value that cannot be read fails the try that needs it, and the next try reads it', async () => {
  server.behave('refuse-next-read');
  const run = await runToItsEnd();
  expect(await ask('GET', `${run}/taskInstances/total/xcomEntries/return_value`)).toMatchObject({ value: [3, 3, 2] });
});

test('a bucket that refuses costs no success: values stay in their rows', async () => {
  server.objects.clear();
  server.behave('refuse');
  const run = await runToItsEnd();
  expect(server.objects.size).toBe(0);
  const { value } = (await ask('GET', `${run}/taskInstances/rows/xcomEntries/return_value`)) as { readonly value: readonly string[] };
  expect(value).toHaveLength(3);
  server.behave('answer');
});

test('a run stays while the bucket refuses to part with its values, and goes when it does not', async () => {
  const run = await runToItsEnd();
  server.behave('refuse');
  const refused = await send('DELETE', run);
  expect([refused.status, await refused.json()]).toEqual([503, { detail: expect.stringContaining('large values') as string }]);
  expect(await ask('GET', run)).toMatchObject({ state: 'success' });
  server.behave('answer');
  await ask('DELETE', run);
  expect(server.objects.size).toBe(0);
});

test('values that lay in files before the environment had a bucket are read where they are', async () => {
  const files = path.join(folder.path, '.tradewind/xcoms');
  mkdirSync(files, { recursive: true });
  const reference = await openValueFiles(files).put('run-1', '[1]');
  const values = openValues(loadConfig(folder.path, {}), silentLog);
  expect(await values.fetch(reference)).toBe('[1]');
  values.close();
  expect(readdirSync(files)).toEqual(['run-1']);
});
