import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Workload } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestFolder, createWorkload, type TestFolder } from '../testing/test-bundle.ts';
import { InputFiles } from './input-files.ts';

const LARGE = JSON.stringify('x'.repeat(1_048_576));
const version = { bundleFolder: '/none', bundleVersion: 'one', manifestFile: '/none' };

let folder: TestFolder;
let inputs: string;

beforeEach(() => {
  folder = createTestFolder();
  inputs = path.join(folder.path, 'inputs');
});

afterEach(() => {
  folder[Symbol.dispose]();
});

function workloadWith(inputsJson: Record<string, string>): Workload {
  return { ...createWorkload({ version, file: 'a.ts', dagId: 'a', taskId: 'a' }), inputsJson };
}

describe('large inputs', () => {
  test('are written where only their owner reads them, until they are removed', () => {
    const workload = workloadWith({ small: '1', large: LARGE });
    const written = new InputFiles(folder.path).write(workload, workload);
    const { large = '' } = written.files;
    expect(Object.keys(written.files)).toEqual(['large']);
    expect(readFileSync(large, 'utf8')).toBe(LARGE);
    expect([statSync(large).mode & 0o777, statSync(path.dirname(large)).mode & 0o777]).toEqual([0o600, 0o700]);
    written.remove();
    written.remove();
    expect(readdirSync(inputs)).toEqual([]);
  });

  test('that hold a secret are not written', () => {
    const stored = workloadWith({ large: LARGE.replace('x', 'tradewind:sealed:') });
    expect(new InputFiles(folder.path).write(stored, workloadWith({ large: LARGE })).files).toEqual({});
    expect(existsSync(inputs)).toBe(false);
  });

  test('of an earlier life are removed', () => {
    mkdirSync(path.join(inputs, '1'), { recursive: true });
    writeFileSync(path.join(inputs, '1', '0.json'), LARGE);
    const workload = workloadWith({ large: LARGE });
    const files = new InputFiles(folder.path);
    expect(existsSync(inputs)).toBe(false);
    expect(Object.keys(files.write(workload, workload).files)).toEqual(['large']);
  });

  test('that cannot be written leave nothing behind', () => {
    const files = new InputFiles(folder.path);
    writeFileSync(inputs, 'a file where the folder should be');
    const workload = workloadWith({ large: LARGE });
    expect(() => files.write(workload, workload)).toThrow(/EEXIST|ENOTDIR/);
  });
});
