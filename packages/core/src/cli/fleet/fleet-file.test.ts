import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTestFolder } from '../testing/test-folder.ts';
import { readFleet } from './fleet-file.ts';

const environments = { 'a/dags/.keep': '', 'b/dags/.keep': '' };
const fleetFolder = (content: unknown) => createTestFolder({ ...environments, 'fleet.json': JSON.stringify(content) });
const run = { environment: 'a', dag: 'x', waitFor: { environment: 'b', dag: 'y' } };

describe('readFleet', () => {
  test('reads the environments beside the file, with the configuration of each', () => {
    using folder = fleetFolder({ environments: ['a', 'b'], run });
    const fleet = readFleet(folder.path);
    expect(fleet.environments.map(({ name, folder: each }) => [name, each])).toEqual([
      ['a', path.join(folder.path, 'a')],
      ['b', path.join(folder.path, 'b')],
    ]);
    expect(fleet.run).toEqual({ ...run, conf: {} });
  });

  test('follows a file that stands for one elsewhere', () => {
    using folder = createTestFolder({
      'fleet.json': '{"fleet": "here/it/is"}',
      'here/it/is/fleet.json': '{"environments": ["a"]}',
      'here/it/is/a/dags/.keep': '',
    });
    expect(readFleet(folder.path).folder).toBe(path.join(folder.path, 'here/it/is'));
  });

  test.each([
    ['a key that it does not know', { environments: ['a'], brokers: 'x' }, 'Unrecognized key: "brokers"'],
    ['no environments', { environments: [] }, 'environments: '],
    ['a broker that there is not', { environments: ['a'], broker: 'kafka' }, 'broker: '],
    ['a folder without dag files', { environments: ['c'] }, 'has no folder of dag files'],
    ['two environments of one name', { environments: ['a', './a'] }, 'two are named "a"'],
    [
      'a run in an environment that there is not',
      { environments: ['a'], run },
      'run.waitFor.environment: there is no environment "b"; there are a',
    ],
    ['a fleet that is not there', { fleet: 'nowhere' }, 'fleet: there is no '],
    ['a fleet that stands for itself', { fleet: '.' }, 'Unrecognized key: "fleet"'],
  ])('refuses %s, naming the file', (_, content, problem) => {
    using folder = fleetFolder(content);
    expect(() => readFleet(folder.path)).toThrow(`${path.join(folder.path, 'fleet.json')} is not valid: `);
    expect(() => readFleet(folder.path)).toThrow(problem);
  });

  test('refuses text that is not JSON', () => {
    using folder = createTestFolder({ 'fleet.json': '{' });
    expect(() => readFleet(folder.path)).toThrow('it cannot be read: ');
  });
});
