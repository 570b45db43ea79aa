import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SerializedTask, TaskRequest } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import { loadConfig, type EnvironmentConfig } from '../../platform/config.ts';
import { silentLog, type Log } from '../../platform/log.ts';
import { masterKeyFile } from '../../platform/master-keys.ts';
import { createSeededRandom } from '../../platform/testing/seeded-random.ts';
import { generateMasterKey } from '../../platform/secret-box.ts';
import type { Database, Statement } from '../../store/database.ts';
import { readDataKeys } from '../../store/reads/data-keys.ts';
import { listSecretFetches } from '../../store/reads/secret-fetches.ts';
import { readSealedVariables } from '../../store/reads/variables.ts';
import { describeDatabases } from '../../store/testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance } from '../../store/testing/transition-fixtures.ts';
import { saveConnections } from '../../store/transitions/save-connections.ts';
import { saveVariables } from '../../store/transitions/save-variables.ts';
import { openSecrets, type EnvironmentSecrets } from './environment-secrets.ts';
import { composeTaskServices } from './index.ts';

const attempt = { taskInstanceId: 'instance_1', epoch: 1 };
const warehouse = { connId: 'warehouse', connType: 'postgres', description: null, host: 'db', schema: null, login: 'ada', port: null };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-secrets-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const configOf = (variables: Readonly<Record<string, string>> = {}): EnvironmentConfig => loadConfig(folder, variables);
const open = (database: Database, config = configOf(), log: Log = silentLog): Promise<EnvironmentSecrets> =>
  openSecrets(config, { database, clock: systemClock, log });
const sql = (text: string, values: readonly string[] = []): Statement<never> => ({
  name: `test_${text}`.slice(0, 60),
  text: () => text,
  values,
});

/** A running attempt at a task that declares a variable and a connection. */
async function insertAttempt(database: Database): Promise<void> {
  await insertDag(database);
  await insertDagRun(database);
  await insertTaskInstance(database, 'running');
  const task: Partial<SerializedTask> = { taskId: 'task_1', variables: ['region', 'none', 'my_token'], connections: ['warehouse', 'bad'] };
  await database.batch([sql(`update dag_version set serialized = $1`, [JSON.stringify({ tasks: [task] })])]);
}

async function services(database: Database, config = configOf()) {
  const secrets = await open(database, config);
  const parts = { config, database, clock: systemClock, random: createSeededRandom(1), log: silentLog, secrets, wake: () => {} };
  const composed = composeTaskServices(parts);
  return { secrets, ask: (request: TaskRequest) => composed.answer(attempt, request) };
}

async function set(database: Database, { box }: EnvironmentSecrets, key: string, value: string): Promise<void> {
  await saveVariables(database, box, { variables: [{ key, value, description: null }], onExisting: 'overwrite', now: 1 });
}

describeDatabases('what a task asks', (openDatabase) => {
  test('is given where it is declared, and recorded', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    const { secrets, ask } = await services(database);
    await set(database, secrets, 'region', 'eu');
    expect(await ask({ kind: 'variable', key: 'region' })).toEqual({ ok: true, value: 'eu' });
    expect(await ask({ kind: 'variable', key: 'none' })).toMatchObject({ ok: false, code: 'not_found' });
    expect(await ask({ kind: 'variable', key: 'other' })).toMatchObject({ ok: false, code: 'forbidden' });
    expect(await ask({ kind: 'connection', connId: 'other' })).toMatchObject({ ok: false, code: 'forbidden' });
    const fetches = await listSecretFetches(database, { readable: 'all' }, 10);
    expect(new Set(fetches.map(({ kind, name, outcome, source }) => [kind, name, outcome, source].join(' ')))).toEqual(
      new Set(['connection other refused ', 'variable none missing ', 'variable other refused ', 'variable region given database']),
    );
  });

  test('is given where the environment allows it to everybody', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    const { secrets, ask } = await services(database, configOf({ TRADEWIND__SECRETS__ALLOWED_VARIABLES: 'public_*' }));
    await set(database, secrets, 'public_region', 'eu');
    expect(await ask({ kind: 'variable', key: 'public_region' })).toEqual({ ok: true, value: 'eu' });
  });

  test('is not given to an attempt that was replaced', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    const { secrets, ask } = await services(database);
    await set(database, secrets, 'region', 'eu');
    await database.batch([sql('update task_instance set epoch = 2')]);
    expect(await ask({ kind: 'variable', key: 'region' })).toMatchObject({ ok: false, code: 'forbidden' });
    expect(await listSecretFetches(database, { readable: 'all' }, 10)).toEqual([]);
  });

  test('is looked for in the files, then in the environment, then in the database', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    writeFileSync(path.join(folder, 'variables.json'), '{"other":"1"}');
    process.env['AIRFLOW_VAR_REGION'] = 'of the environment';
    try {
      const { secrets, ask } = await services(database, configOf({ TRADEWIND__SECRETS__VARIABLES_FILE: 'variables.json' }));
      await set(database, secrets, 'region', 'of the database');
      expect(await ask({ kind: 'variable', key: 'region' })).toEqual({ ok: true, value: 'of the environment' });
      writeFileSync(path.join(folder, 'variables.json'), '{"region":"of the file"}');
      expect(await ask({ kind: 'variable', key: 'region' })).toEqual({ ok: true, value: 'of the file' });
      writeFileSync(path.join(folder, 'variables.json'), '{');
      await expect(ask({ kind: 'variable', key: 'region' })).rejects.toMatchObject({ code: 'bad_configuration' });
    } finally {
      delete process.env['AIRFLOW_VAR_REGION'];
    }
  });

  test('masks what is secret before it is handed out', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    const { secrets, ask } = await services(database);
    await set(database, secrets, 'my_token', 'abcdef-123456');
    const connection = { ...warehouse, password: 'hunter2x', extra: { api_key: 'k-e-y-1', region: 'eu-west' } };
    await saveConnections(database, secrets.box, { connections: [connection], onExisting: 'fail', now: 1 });
    const text = 'abcdef-123456 hunter2x k-e-y-1 eu-west ada';
    expect(secrets.masker.mask(text)).toBe(text);
    await ask({ kind: 'variable', key: 'my_token' });
    const { description: _, ...given } = connection;
    expect(await ask({ kind: 'connection', connId: 'warehouse' })).toEqual({ ok: true, value: given });
    expect(secrets.masker.mask(text)).toBe('*** *** *** eu-west ada');
    expect(await ask({ kind: 'mask', values: ['my own secret'] })).toEqual({ ok: true, value: null });
    expect(await ask({ kind: 'mask', values: ['no'] })).toMatchObject({ ok: false, code: 'bad_request' });
    expect(secrets.masker.mask('my own secret')).toBe('***');
  });

  test('about a connection that is none is answered without quoting it', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    process.env['AIRFLOW_CONN_BAD'] = '{"password":"hunter2x"';
    try {
      const { ask } = await services(database);
      const answer = await ask({ kind: 'connection', connId: 'bad' });
      expect(answer).toMatchObject({ ok: false, code: 'bad_request' });
      expect(JSON.stringify(answer)).not.toContain('hunter2x');
    } finally {
      delete process.env['AIRFLOW_CONN_BAD'];
    }
  });

  test('about values is answered from the own dag, and secrets in them rest sealed', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    const { secrets, ask } = await services(database);
    secrets.masker.add('hunter2x');
    expect(await ask({ kind: 'push_xcom', key: 'login', valueJson: '{"user":"ada","password":"hunter2x"}' })).toEqual({
      ok: true,
      value: null,
    });
    expect(await ask({ kind: 'xcom', taskId: 'task_1', key: 'login' })).toEqual({ ok: true, value: { user: 'ada', password: 'hunter2x' } });
    const [row] = await database.reads.selectFrom('xcom').select('value').execute();
    expect(row?.value).toMatch(/"user":"ada"/);
    expect(row?.value).not.toContain('hunter2x');
    expect(await ask({ kind: 'xcom', taskId: 'task_1', key: 'none' })).toMatchObject({ ok: false, code: 'not_found' });
  });

  test('to keep what its templates became is kept masked', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    const { secrets, ask } = await services(database);
    secrets.masker.add('hunter2x');
    await ask({ kind: 'rendered_fields', fields: { command: 'login hunter2x', password: 'x' } });
    const [row] = await database.reads.selectFrom('renderedTaskInstanceFields').select('fields').execute();
    expect(row?.fields).toBe('{"command":"login ***","password":"***"}');
  });

  test('of a kind that nobody answers is refused', async () => {
    const database = await openDatabase();
    await insertAttempt(database);
    const { ask } = await services(database);
    expect(await ask({ kind: 'nonsense' } as never)).toMatchObject({ ok: false, code: 'unavailable' });
  });
});

describeDatabases('the keys of an environment', (openDatabase) => {
  test('are made by the first start, for the owner’s eyes alone, and open at the next one', async () => {
    const database = await openDatabase();
    const first = await open(database);
    await set(database, first, 'my_token', 'abcdef-123456');
    expect(statSync(masterKeyFile(configOf().stateFolder)).mode & 0o777).toBe(0o600);
    const second = await open(database);
    expect(await second.lookup.findVariable('my_token')).toEqual({ value: 'abcdef-123456', source: 'database' });
    expect(second.masker.mask('abcdef-123456')).toBe('***');
    expect(await readDataKeys(database)).toHaveLength(1);
  });

  test('that are missing or wrong fail the start, also where nothing is sealed yet', async () => {
    const database = await openDatabase();
    await open(database);
    const file = masterKeyFile(configOf().stateFolder);
    const key = readFileSync(file, 'utf8');
    rmSync(file);
    await expect(open(database)).rejects.toThrow(/master key that they are sealed with is missing: put back .*secret-key/);
    writeFileSync(file, `${generateMasterKey().bytes.toString('base64')}\n`, { mode: 0o600 });
    await expect(open(database)).rejects.toThrow('put the right key back');
    writeFileSync(file, 'short\n');
    await expect(open(database)).rejects.toThrow('holds no master key: each is 32 random bytes in base64');
    writeFileSync(file, key);
    chmodSync(file, 0o644);
    await expect(open(database)).rejects.toThrow('can be read by others than its owner');
    chmodSync(file, 0o600);
    await open(database);
  });

  test('come from the setting where there is one', async () => {
    const database = await openDatabase();
    const [one, other] = [generateMasterKey(), generateMasterKey()].map(({ bytes }) => bytes.toString('base64'));
    const withKeys = (keys: string): EnvironmentConfig => configOf({ TRADEWIND__SECRETS__KEY: keys });
    const first = await open(database, withKeys(`${one}`));
    await set(database, first, 'region', 'eu');
    await expect(open(database, withKeys(`${other}`))).rejects.toMatchObject({ code: 'bad_configuration' });
    const both = await open(database, withKeys(`${other},${one}`));
    await both.rotate();
    const rotated = await open(database, withKeys(`${other}`));
    expect(await rotated.lookup.findVariable('region')).toMatchObject({ value: 'eu' });
  });

  test('are rotated while others read, and the old ones open nothing afterwards', async () => {
    const database = await openDatabase();
    const secrets = await open(database);
    const reader = await open(database);
    await set(database, secrets, 'region', 'eu');
    const file = masterKeyFile(configOf().stateFolder);
    const old = readFileSync(file, 'utf8');
    const [before] = await readSealedVariables(database);
    expect(await secrets.rotate()).toMatchObject({ dataKeys: 1, values: 1 });
    const [after] = await readSealedVariables(database);
    expect(after?.value).not.toBe(before?.value);
    expect(await reader.lookup.findVariable('region')).toMatchObject({ value: 'eu' });
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(1);
    expect(readFileSync(file, 'utf8')).not.toBe(old);
    writeFileSync(file, old);
    await expect(open(database)).rejects.toMatchObject({ code: 'bad_configuration' });
  });

  test('of a rotation that was interrupted are completed by the next one', async () => {
    const database = await openDatabase();
    const secrets = await open(database);
    await set(database, secrets, 'region', 'eu');
    const file = masterKeyFile(configOf().stateFolder);
    // As if it had ended right after the new key was added to the file.
    writeFileSync(file, `${generateMasterKey().bytes.toString('base64url')}\n${readFileSync(file, 'utf8')}`);
    const restarted = await open(database);
    expect(await restarted.lookup.findVariable('region')).toMatchObject({ value: 'eu' });
    await restarted.rotate();
    expect(await (await open(database)).lookup.findVariable('region')).toMatchObject({ value: 'eu' });
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(1);
  });

  test('say so where a secret cannot be masked', async () => {
    const database = await openDatabase();
    const warnings: unknown[] = [];
    const log: Log = { ...silentLog, warning: (_event, fields) => void warnings.push(fields) };
    const secrets = await open(database, configOf(), log);
    secrets.learnVariable('my_token', 'abc');
    expect(warnings).toEqual([{ secret: 'variable "my_token"' }]);
  });
});

describe('the local files', () => {
  test.each([
    ['yaml', 'region: eu\nlimits:\n  rows: 5\n'],
    ['json', '{"region":"eu","limits":{"rows":5}}'],
    ['env', '# a comment\nregion=eu\nlimits="{\\"rows\\":5}"\n'.replaceAll('\\"', '"')],
  ])('may be in the format %s', async (format, text) => {
    const { localFileBackend } = await import('../../platform/secrets-backend.ts');
    const file = path.join(folder, `variables.${format}`);
    writeFileSync(file, text);
    const backend = localFileBackend({ variablesFile: file, connectionsFile: undefined });
    expect([await backend.findVariable('region'), await backend.findVariable('limits'), await backend.findVariable('constructor')]).toEqual(
      ['eu', '{"rows":5}', undefined],
    );
  });
});
