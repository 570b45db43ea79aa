import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openValueFiles } from './value-files.ts';
import { describeValueStore, type ValueStoreUnderTest } from './value-store.contract.ts';

function openFolder(): ValueStoreUnderTest & { readonly folder: string } {
  const root = mkdtempSync(path.join(tmpdir(), 'tradewind-values-'));
  const folder = path.join(root, 'xcoms');
  return {
    folder,
    store: openValueFiles(folder),
    placeOf: (key) => path.join(folder, key),
    overwrite: (key, text) => writeFileSync(path.join(folder, key), text),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
}

describeValueStore('a folder', openFolder);

test('unfinished files are listed with their run, and go with it', async () => {
  const { store, folder, close } = openFolder();
  onTestFinished(close);
  const { key } = await store.put('run-1', '[1]');
  expect(readdirSync(path.join(folder, 'run-1'))).toHaveLength(1);
  writeFileSync(path.join(folder, 'run-1/cut.json.part'), '[');
  const keys = (await store.listValues('run-1')).map((value) => value.key).toSorted();
  expect(keys).toEqual([key, 'run-1/cut.json.part'].toSorted());
  await store.removeRun('run-1');
  expect(readdirSync(folder)).toEqual([]);
});
