import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { findEnvironment, findEnvironments, findFleetFolder } from './find-environment.ts';
import { createTestFolder } from './testing/test-folder.ts';

const before = process.cwd();
afterEach(() => {
  process.chdir(before);
});
const fleet = { 'fleet.json': '{"environments": ["a", "b"]}', 'a/dags/x.ts': '', 'b/dags/y.ts': '', 'docs/readme.md': '' };

describe('without --folder', () => {
  test.each([
    ['a folder of dag files', { 'dags/x.ts': '', 'src/deep/file.ts': '' }],
    ['tradewind.json', { 'tradewind.json': '{"environment": {"dagsFolder": "flows"}}', 'src/deep/file.ts': '' }],
  ])('finds the nearest folder upwards with %s', (_, files) => {
    using folder = createTestFolder(files);
    process.chdir(path.join(folder.path, 'src/deep'));
    expect(findEnvironment(undefined).folder).toBe(folder.path);
  });

  test('finds every environment of the nearest fleet', () => {
    using folder = createTestFolder(fleet);
    process.chdir(path.join(folder.path, 'docs'));
    expect(findEnvironments(undefined).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(findFleetFolder(undefined)).toBe(folder.path);
  });

  test('finds an environment before the fleet that it is in', () => {
    using folder = createTestFolder(fleet);
    process.chdir(path.join(folder.path, 'b/dags'));
    expect(findEnvironments(undefined).map(({ name }) => name)).toEqual(['b']);
  });

  test('says what to do where there is none', () => {
    using folder = createTestFolder();
    process.chdir(folder.path);
    expect(() => findEnvironment(undefined)).toThrow('make one with "tradewind init <folder>"');
    expect(() => findFleetFolder(undefined)).toThrow(`there is no fleet.json in ${folder.path} or a folder above it`);
  });
});

describe('with --folder', () => {
  test('takes the folder that it names, and no other', () => {
    using folder = createTestFolder(fleet);
    expect(findEnvironment(path.join(folder.path, 'a')).name).toBe('a');
    expect(() => findEnvironment(path.join(folder.path, 'docs'))).toThrow(
      'is no environment: it has neither a dags folder nor tradewind.json',
    );
    expect(() => findEnvironment(path.join(folder.path, 'nowhere'))).toThrow('--folder: there is no folder ');
  });

  test('asks which of a fleet’s environments is meant', () => {
    using folder = createTestFolder(fleet);
    process.chdir(folder.path);
    expect(() => findEnvironment('.')).toThrow('this is a fleet of 2 environments; choose one with --folder: a, b');
  });
});
