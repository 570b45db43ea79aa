import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';
import { startEnvironment, type RunningEnvironment } from './environment.ts';
import { createTestFolder, type TestFolder } from './testing/test-folder.ts';

const SDK = path.resolve(import.meta.dirname, '../../../sdk/src/index.ts');
const DAG = `
import { dag } from ${JSON.stringify(SDK)};
export const orders = dag('orders', {}, (d) => {
  const rows = d.task('rows', { run: () => Array.from({ length: 3 }, (_, index) => String(index).repeat(700_000)) });
  const lengths = d.mappedTask('length', { expand: { row: rows }, run: ({ row }) => row.length });
  d.task('total', { inputs: { rows, lengths }, run: async ({ rows, lengths }, { xcom }) => {
    await xcom.push('copy', rows);
    return [rows.length, [...lengths].length, (await xcom.pull({ key: 'copy' })).length];
  } });
});
`;

let folder: TestFolder;
let environment: RunningEnvironment;
const ended = Promise.withResolvers<string>();

beforeAll(async () => {
  folder = createTestFolder({
    'dags/orders.ts': DAG,
    'package.json': '{"type": "module"}',
    'tradewind.json': JSON.stringify({ api: { port: 0 } }),
  });
  const known = Promise.withResolvers<void>();
  environment = await startEnvironment(loadConfig(folder.path, {}), {
    log: silentLog,
    observe: (activity) => {
      if (activity.type === 'dag_run' && ['success', 'failed'].includes(activity.state)) ended.resolve(activity.state);
    },
    onDagsChanged: () => known.resolve(),
  });
  await known.promise;
});

afterAll(async () => {
  await environment.stop();
  folder[Symbol.dispose]();
});

async function ask(method: string, url: string, body?: object): Promise<unknown> {
  const { token } = JSON.parse(readFileSync(path.join(folder.path, '.tradewind/environment.json'), 'utf8')) as { token: string };
  const response = await fetch(`${environment.address}/api/v2/dags/orders/dagRuns${url}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.ok).toBe(true);
  return response.status === 204 ? undefined : response.json();
}

const files = (): string[] => readdirSync(path.join(folder.path, '.tradewind/xcoms'), { recursive: true }).map(String);

test('large values go through files from task to task, are shown, and go with their run', async () => {
  const { dag_run_id: runId } = (await ask('POST', '', { logical_date: null })) as { readonly dag_run_id: string };
  expect(await ended.promise).toBe('success');
  const run = `/${encodeURIComponent(runId)}`;
  expect(await ask('GET', `${run}/taskInstances/total/xcomEntries/return_value`)).toMatchObject({ value: [3, 3, 3] });
  const { value } = (await ask('GET', `${run}/taskInstances/rows/xcomEntries/return_value`)) as { readonly value: readonly string[] };
  expect(value).toEqual(['0', '1', '2'].map((digit) => digit.repeat(700_000)));
  // What "total" pushed is the same list, so it is the same file.
  expect(files().filter((name) => name.endsWith('.json'))).toHaveLength(1);
  await ask('DELETE', run);
  expect(files()).toEqual([]);
});
