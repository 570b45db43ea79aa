import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openValueFiles } from './value-files.ts';
import type { ValueStore } from './value-store.ts';

let folder: string;
let store: ValueStore;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-values-'));
  store = openValueFiles(path.join(folder, 'xcoms'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fileOf = (key: string): string => path.join(folder, 'xcoms', key);

describe('a value in a file', () => {
  test('is read as it was written, characters of several bytes included', async () => {
    const json = JSON.stringify({ name: 'Zürich \u{1F30D}', rows: [1, 2, 3] });
    const reference = await store.put('run-1', json);
    expect(reference).toMatchObject({ store: 'file', bytes: Buffer.byteLength(json) });
    expect(reference.key).toBe(`run-1/${reference.sha256}.json`);
    expect(await store.get(reference)).toBe(json);
  });

  test('has the same reference however often it is written, and one file', async () => {
    const references = await Promise.all([1, 2, 3].map(() => store.put('run-1', '[1]')));
    expect(new Set(references.map(({ key }) => key)).size).toBe(1);
    expect(readdirSync(fileOf('run-1'))).toHaveLength(1);
  });

  test('is unreadable where its file is missing, and says which', async () => {
    const reference = await store.put('run-1', '[1]');
    await store.removeValue(reference.key);
    await expect(store.get(reference)).rejects.toMatchObject({
      code: 'value_unreadable',
      message: expect.stringContaining(`is missing: ${fileOf(reference.key)}`) as string,
    });
  });

  test.each([
    ['cut', (file: string) => truncateSync(file, 2)],
    ['changed', (file: string) => writeFileSync(file, '[2]')],
  ])('is unreadable where its file was %s', async (_, damage) => {
    const reference = await store.put('run-1', '[1]');
    damage(fileOf(reference.key));
    await expect(store.get(reference)).rejects.toMatchObject({
      code: 'value_unreadable',
      message: expect.stringContaining('damaged') as string,
    });
  });

  test('heals when it is written again', async () => {
    const reference = await store.put('run-1', '[1]');
    truncateSync(fileOf(reference.key), 0);
    await store.put('run-1', '[1]');
    expect(await store.get(reference)).toBe('[1]');
  });
});

test.each(['../run-2/a.json', 'run-1/../../a', 'run-1/a/b', '/etc/passwd', 'run-1/..'])('the key %s leads nowhere', async (key) => {
  await expect(store.get({ store: 'file', key, bytes: 1, sha256: '' })).rejects.toMatchObject({
    code: 'value_unreadable',
    message: expect.stringContaining('is no key') as string,
  });
});

test('a run is listed with its values, and goes with them', async () => {
  const { key } = await store.put('run-1', '[1]');
  await store.put('run-2', '[2]');
  writeFileSync(fileOf('run-1/cut.json.part'), '[');
  expect((await store.listRuns()).toSorted()).toEqual(['run-1', 'run-2']);
  const keys = (await store.listValues('run-1')).map((value) => value.key).toSorted();
  expect(keys).toEqual([key, 'run-1/cut.json.part'].toSorted());
  await store.removeRun('run-1');
  await store.removeRun('run-1');
  expect(await store.listRuns()).toEqual(['run-2']);
  expect(await store.listValues('run-1')).toEqual([]);
});

test('a folder that is not there yet holds nothing', async () => {
  expect(await store.listRuns()).toEqual([]);
});
