import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { moduleFormat } from './module-format.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-'));
const bundleFolder = path.join(folder, 'project', 'dags');
mkdirSync(bundleFolder, { recursive: true });

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const format = (file: string, files: Readonly<Record<string, string>> = {}): string | undefined =>
  moduleFormat(file, { bundleFolder, textOf: (name) => files[name] });

test.each([
  ['a.ts', 'module-typescript'],
  ['a.mts', 'module-typescript'],
  ['a.cts', 'commonjs-typescript'],
  ['a.js', 'module'],
  ['a.mjs', 'module'],
  ['a.cjs', 'commonjs'],
  ['a.json', 'json'],
  ['a.node', undefined],
  ['a.sql', undefined],
])('reads %s as %s', (file, expected) => {
  expect(format(file)).toBe(expected);
});

test('follows the nearest package.json of the bundle', () => {
  const files = {
    'package.json': '{ "type": "module" }',
    'old/package.json': '{ "type": "commonjs" }',
    'old/new/package.json': 'not json',
  };
  expect(format('a.js', files)).toBe('module');
  expect(format('old/a.js', files)).toBe('commonjs');
  expect(format('old/deep/a.ts', files)).toBe('commonjs-typescript');
  expect(format('old/new/a.ts', files)).toBe('module-typescript');
});

test('follows the package.json above the bundle where the bundle has none', () => {
  writeFileSync(path.join(folder, 'project', 'package.json'), '{ "type": "commonjs" }');
  expect(format('sub/a.ts')).toBe('commonjs-typescript');
  rmSync(path.join(folder, 'project', 'package.json'));
});
