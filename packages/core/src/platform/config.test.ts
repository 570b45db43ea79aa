import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from './config.ts';

const root = mkdtempSync(path.join(tmpdir(), 'tradewind-config-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

test('an empty folder has every default', () => {
  const config = loadConfig(root, {});
  expect(config).toMatchObject({
    name: path.basename(root),
    dagsFolder: path.join(root, 'dags'),
    stateFolder: path.join(root, '.tradewind'),
    api: { host: '127.0.0.1' },
    executor: { parallelism: 32 },
  });
});

test('variables win over the file, and numbers become numbers', () => {
  writeFileSync(path.join(root, 'tradewind.json'), JSON.stringify({ api: { port: 9000, host: '::1' } }));
  const config = loadConfig(root, { TRADEWIND__API__PORT: '9100', TRADEWIND__DAG_PROCESSOR__HEAP_MB: '300', PATH: '/bin' });
  expect(config.api).toEqual({ host: '::1', port: 9100 });
  expect(config.dagProcessor.heapMb).toBe(300);
});

test.each([
  [{ TRADEWIND__API__PORT: 'eighty' }, /api\.port/],
  [{ TRADEWIND__API__PROT: '80' }, /prot/],
  [{ TRADEWIND__API: '80' }, /TRADEWIND__SECTION__KEY/],
  [{ TRADEWIND__DATABASE__URL: 'mysql://x' }, /begins with postgres:\/\//],
  [{ TRADEWIND__XCOM__STORE: 's3://Values' }, /xcom\.store: takes s3:\/\/<bucket>/],
  [{ TRADEWIND__XCOM__STORE: 's3://values/../others' }, /xcom\.store: takes s3:\/\/<bucket>/],
  [{ TRADEWIND__XCOM__STORE: 's3://values/' }, /xcom\.store: takes s3:\/\/<bucket>/],
])('%o is refused with the name of what is wrong', (variables, message) => {
  expect(() => loadConfig(root, variables)).toThrow(message);
});

test('a file that is not JSON is refused by name', () => {
  writeFileSync(path.join(root, 'tradewind.json'), '{');
  expect(() => loadConfig(root, {})).toThrow(/tradewind\.json cannot be read/);
});
