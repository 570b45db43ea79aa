import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startExampleServer } from '../testing/example-server.ts';
import type { TestServer } from '../testing/test-server.ts';

let running: TestServer;

beforeEach(async () => {
  running = await startExampleServer();
});

afterEach(async () => {
  await running.close();
});

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

async function ask(method: Method, url: string, body?: object, as: 'op' | 'admin' | 'user' = 'op') {
  const response = await running.server.inject({ method, url, headers: running.as(as), ...(body === undefined ? {} : { payload: body }) });
  return { status: response.statusCode, body: (response.body === '' ? undefined : JSON.parse(response.body)) as Record<string, unknown> };
}

const variable = (key: string, value: unknown, more: object = {}) => ({ key, value, ...more });

/** What the test itself has made. */
async function exported() {
  const { body } = await ask('POST', '/api/v2/tradewind/secrets/export', undefined, 'admin');
  const { variables, connections } = body as { variables: { key: string }[]; connections: object };
  return { variables: variables.filter(({ key }) => !key.startsWith('example')), connections };
}

describe('a variable', () => {
  test.each([
    ['region', 'eu', 'eu'],
    ['my_password', 'hunter2x', '***'],
    ['settings', { user: 'ada', api_key: 'k' }, '{"user":"ada","api_key":"***"}'],
    ['list', [1, 2], '[1,2]'],
    ['number', 7, '7'],
    ['spaced', '{ "a": 1 }', '{ "a": 1 }'],
  ])('"%s" of %j is shown as %s', async (key, value, shown) => {
    expect(await ask('POST', '/api/v2/variables', variable(key, value))).toMatchObject({
      status: 201,
      body: { key, value: shown, is_encrypted: true },
    });
    expect((await ask('GET', `/api/v2/variables/${key}`)).body).toMatchObject({ value: shown });
  });

  test('is changed in what is named', async () => {
    await ask('POST', '/api/v2/variables', variable('region', 'eu', { description: 'first' }));
    const patch = (body: object, mask = '') => ask('PATCH', `/api/v2/variables/region${mask}`, body);
    expect((await patch(variable('region', 'us', { description: 'second' }), '?update_mask=value')).body).toMatchObject({
      value: 'us',
      description: 'first',
    });
    expect((await patch(variable('region', 'asia', { description: null }))).body).toMatchObject({ value: 'asia', description: null });
    expect((await patch(variable('other', 'x'))).status).toBe(400);
  });

  test('keeps what somebody who saves it could not see', async () => {
    await ask('POST', '/api/v2/variables', variable('a_secret', 'hunter2x'));
    await ask('POST', '/api/v2/variables', variable('settings', { user: 'ada', password: 'hunter3x' }));
    await ask('PATCH', '/api/v2/variables/a_secret', variable('a_secret', '***'));
    await ask('PATCH', '/api/v2/variables/settings', variable('settings', '{"user":"bob","password":"***"}'));
    expect((await exported()).variables).toEqual([
      { key: 'a_secret', value: 'hunter2x', description: null },
      { key: 'settings', value: '{"user":"bob","password":"hunter3x"}', description: null },
    ]);
  });

  test.each(['', ' a', 'a\n', 'x'.repeat(251)])('cannot have the key %j', async (key) => {
    expect((await ask('POST', '/api/v2/variables', variable(key, 'v'))).status).toBe(422);
  });

  test('that was set is masked in what the environment shows from then on', async () => {
    await ask('POST', '/api/v2/variables', variable('my_token', 'abcdef-123456'));
    await ask('POST', '/api/v2/variables', variable('region', 'contains abcdef-123456'));
    expect((await ask('GET', '/api/v2/variables/region')).body).toMatchObject({ value: 'contains ***' });
  });
});

test('a value that is saved as it was shown stays as it is', async () => {
  await ask('POST', '/api/v2/variables', variable('my_token', 'abcdef-123456'));
  await ask('POST', '/api/v2/variables', variable('address', 'https://ada:abcdef-123456@host'));
  const { body } = await ask('GET', '/api/v2/variables/address');
  expect(body).toMatchObject({ value: 'https://ada:***@host' });
  await ask('PATCH', '/api/v2/variables/address', variable('address', body['value']));
  expect((await exported()).variables).toContainEqual(variable('address', 'https://ada:abcdef-123456@host', { description: null }));
});

describe('a connection', () => {
  const body = {
    connection_id: 'warehouse',
    conn_type: 'postgresql',
    host: 'db',
    login: 'ada',
    password: 'hunter2x',
    port: 5432,
    extra: '{"sslmode":"require","private_key":"k-e-y"}',
  };

  test('is shown without what is secret in it', async () => {
    expect(await ask('POST', '/api/v2/connections', body)).toMatchObject({
      status: 201,
      body: {
        connection_id: 'warehouse',
        conn_type: 'postgres',
        password: '***',
        extra: '{"sslmode":"require","private_key":"***"}',
        schema: null,
      },
    });
  });

  test('keeps what somebody who saves it could not see', async () => {
    const created = (await ask('POST', '/api/v2/connections', body)).body;
    await ask('PATCH', '/api/v2/connections/warehouse', { ...created, host: 'other' });
    expect((await exported()).connections).toMatchObject({
      warehouse: { host: 'other', password: 'hunter2x', extra: { sslmode: 'require', private_key: 'k-e-y' } },
    });
  });

  test('is changed in what is named', async () => {
    await ask('POST', '/api/v2/connections', body);
    const change = { connection_id: 'warehouse', conn_type: 'mysql', host: 'other', password: 'new-password' };
    await ask('PATCH', '/api/v2/connections/warehouse?update_mask=host&update_mask=password', change);
    expect((await exported()).connections).toMatchObject({
      warehouse: { conn_type: 'postgres', host: 'other', password: 'new-password', login: 'ada' },
    });
  });

  test.each([
    [{ extra: 'text' }],
    [{ extra: '[1]' }],
    [{ port: 70_000 }],
    [{ connection_id: 'a b' }],
    [{ conn_type: '' }],
    [{ passwort: 'x' }],
  ])('with %j is refused', async (change) => {
    expect((await ask('POST', '/api/v2/connections', { ...body, ...change })).status).toBe(422);
  });
});

describe('a bulk request', () => {
  test('creates, changes and deletes, and says of each what became of it', async () => {
    await ask('POST', '/api/v2/variables', variable('a', '1'));
    const actions = [
      { action: 'create', entities: [variable('a', '9'), variable('b', '2')], action_on_existence: 'skip' },
      { action: 'update', entities: [variable('a', '10')] },
      { action: 'delete', entities: ['b', 'none'], action_on_non_existence: 'skip' },
    ];
    expect((await ask('PATCH', '/api/v2/variables', { actions })).body).toEqual({
      create: { success: ['b'], errors: [] },
      update: { success: ['a'], errors: [] },
      delete: { success: ['b'], errors: [] },
    });
    expect((await exported()).variables).toEqual([variable('a', '10', { description: null })]);
  });

  test('does nothing of an action that fails', async () => {
    await ask('POST', '/api/v2/variables', variable('a', '1'));
    const actions = [
      { action: 'create', entities: [variable('b', '2'), variable('a', '9')] },
      { action: 'update', entities: [variable('a', '10'), variable('none', '1')] },
      { action: 'delete', entities: ['a', 'none'] },
    ];
    const { body } = await ask('PATCH', '/api/v2/variables', { actions });
    expect(body).toMatchObject({
      create: { success: [], errors: [{ status_code: 409 }] },
      update: { success: [], errors: [{ status_code: 404 }] },
      delete: { success: [], errors: [{ status_code: 404 }] },
    });
    expect((await exported()).variables).toEqual([variable('a', '1', { description: null })]);
  });
});

describe('what is secret in the clear', () => {
  test.each(['export', 'lookup', 'rotate'])('is for the administrator alone: %s', async (what) => {
    const body = what === 'lookup' ? { kind: 'variable', name: 'a' } : undefined;
    expect((await ask('POST', `/api/v2/tradewind/secrets/${what}`, body, 'op')).status).toBe(403);
  });

  test('is looked up where tasks would find it', async () => {
    const lookUp = (name: string) => ask('POST', '/api/v2/tradewind/secrets/lookup', { kind: 'variable', name }, 'admin');
    expect((await lookUp('in_backend')).body).toEqual({ source: 'test', variable: 'from the backend', connection: null });
    expect((await lookUp('none')).status).toBe(404);
  });

  test('that was read leaves a line in the log', async () => {
    await exported();
    expect(running.notes).toContainEqual(
      expect.objectContaining({ fields: expect.objectContaining({ operation: 'export_secrets' }) as object }),
    );
  });
});

test('the configuration is given as JSON, or as text to those who ask for it', async () => {
  const text = await running.server.inject({ url: '/api/v2/config?section=log', headers: { ...running.as('op'), accept: 'text/plain' } });
  expect(text.body).toBe('[log]\nlevel = info\n');
  expect((await ask('GET', '/api/v2/config/section/log/option/level')).body).toEqual({
    sections: [{ name: 'log', options: [{ key: 'level', value: 'info' }] }],
  });
  expect((await ask('GET', '/api/v2/config/section/log/option/none')).status).toBe(404);
});
