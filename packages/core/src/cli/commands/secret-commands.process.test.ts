import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTestFolder, type TestFolder } from '../testing/test-folder.ts';
import { addConnection } from './add-connection.ts';
import { deleteVariable } from './delete-variable.ts';
import { exportConnections } from './export-connections.ts';
import { exportVariables } from './export-variables.ts';
import { getVariable } from './get-variable.ts';
import { importConnections } from './import-connections.ts';
import { importVariables } from './import-variables.ts';
import { listVariables } from './list-variables.ts';
import { rotateKey } from './rotate-key.ts';
import { setVariable } from './set-variable.ts';

let folder: TestFolder;
let printed: string;

beforeEach(() => {
  folder = createTestFolder({ 'dags/.keep': '' });
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

afterEach(() => {
  vi.restoreAllMocks();
  folder[Symbol.dispose]();
});

const here = () => ({ folder: folder.path });
const file = (name: string): string => path.join(folder.path, name);

/** What a command prints. */
async function output(run: () => Promise<unknown>): Promise<string> {
  printed = '';
  await run();
  return printed;
}

describe('variables', () => {
  test.each(['json', 'yaml', 'env'] as const)('mean the same when they are exported to %s and imported again', async (format) => {
    await setVariable('region', 'eu', here());
    await setVariable('limits', '{"rows":5}', { ...here(), json: true });
    await setVariable('my_token', ' spaced = "x" ', here());
    const exported = file(`out.${format}`);
    await exportVariables(exported, here());
    expect(statSync(exported).mode & 0o777).toBe(0o600);
    for (const key of ['region', 'limits', 'my_token']) await deleteVariable(key, here());
    await importVariables(exported, { ...here(), actionOnExistingKey: 'fail' });
    const values = [];
    for (const key of ['region', 'limits', 'my_token']) values.push(await output(() => getVariable(key, here())));
    expect(values).toEqual(['eu\n', '{"rows":5}\n', ' spaced = "x" \n']);
  });

  test('are listed without what is secret, and printed in the clear where they are asked for', async () => {
    await setVariable('my_token', 'abcdef-123456', here());
    const list = await output(() => listVariables({ ...here(), output: 'json', showValues: true }));
    expect(JSON.parse(list)).toMatchObject([{ key: 'my_token', value: '***' }]);
    expect(await output(() => getVariable('my_token', here()))).toBe('abcdef-123456\n');
    expect(await output(() => getVariable('none', { ...here(), default: 'x' }))).toBe('x\n');
    await expect(getVariable('none', here())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('that exist are replaced, left, or keep the whole file from being imported', async () => {
    await setVariable('a', '1', here());
    writeFileSync(file('in.json'), '{"a": "2", "b": {"value": [1], "description": "a list"}}');
    const importing = (actionOnExistingKey: 'fail' | 'skip' | 'overwrite') =>
      importVariables(file('in.json'), { ...here(), actionOnExistingKey });
    await expect(importing('fail')).rejects.toMatchObject({ code: 'already_exists' });
    await expect(getVariable('b', here())).rejects.toMatchObject({ code: 'not_found' });
    await importing('skip');
    expect(await output(() => getVariable('a', here()))).toBe('1\n');
    await importing('overwrite');
    expect(await output(() => getVariable('a', here()))).toBe('2\n');
    expect(await output(() => getVariable('b', here()))).toBe('[1]\n');
  });

  test.each([
    ['in.txt', 'a=1', 'its name must end in .json, .yaml or .env'],
    ['in.json', '{"a": "hunter2x"', 'in.json is no JSON'],
    ['in.json', '["hunter2x"]', 'holds no object'],
    ['in.env', 'a=1\nhunter2x\n', 'line 2: it is not in the form NAME=value'],
  ])('of the bad file %s with %j are refused without quoting it', async (name, text, message) => {
    writeFileSync(file(name), text);
    const error: unknown = await importVariables(file(name), { ...here(), actionOnExistingKey: 'fail' }).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('hunter2x');
  });

  test('of several lines do not fit into an env file', async () => {
    await setVariable('key', 'one\ntwo', here());
    await expect(exportVariables(file('out.env'), here())).rejects.toThrow('"key" has several lines');
  });
});

describe('connections', () => {
  const uri = 'postgres://ada:s3cr%40t%2Fpw@db:5432/sales?sslmode=require';

  test.each(['json', 'yaml', 'env'] as const)('mean the same when they are exported to %s and imported again', async (format) => {
    await addConnection('warehouse', { ...here(), connUri: uri });
    await exportConnections(file(`out.${format}`), { ...here(), serializationFormat: 'uri' });
    const other = createTestFolder({ 'dags/.keep': '' });
    try {
      await importConnections(file(`out.${format}`), { folder: other.path });
      await exportConnections(path.join(other.path, 'again.env'), { folder: other.path, serializationFormat: 'uri' });
      expect(readFileSync(path.join(other.path, 'again.env'), 'utf8')).toBe(`warehouse=${uri}\n`);
    } finally {
      other[Symbol.dispose]();
    }
  });

  test('are given in one way and not in two', async () => {
    await expect(addConnection('a', { ...here(), connUri: uri, connType: 'http' })).rejects.toThrow('give the connection in one way');
    await expect(addConnection('a', here())).rejects.toThrow('give the connection in one way');
    await expect(addConnection('a', { ...here(), connType: 'http', connPort: 'many' })).rejects.toThrow('port is no whole number');
  });

  test('of Airflow’s env files are read under their ids', async () => {
    writeFileSync(file('in.env'), `AIRFLOW_CONN_WAREHOUSE=${uri}\n# a comment\nother={"conn_type":"http"}\n`);
    await importConnections(file('in.env'), here());
    expect(JSON.parse(await output(() => exportConnections('-', { ...here(), serializationFormat: 'uri' })))).toMatchObject({
      warehouse: { conn_type: 'postgres', password: 's3cr@t/pw' },
      other: { conn_type: 'http' },
    });
  });
});

test('keys are rotated, and everything is read as before', async () => {
  await setVariable('region', 'eu', here());
  const key = readFileSync(file('.tradewind/secret-key'), 'utf8');
  await rotateKey({ ...here(), output: 'plain' });
  expect(readFileSync(file('.tradewind/secret-key'), 'utf8')).not.toBe(key);
  expect(await output(() => getVariable('region', here()))).toBe('eu\n');
});
