import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listen } from './server.ts';
import { startExampleServer } from './testing/example-server.ts';
import type { TestServer } from './testing/test-server.ts';

let running: TestServer;

beforeEach(async () => {
  running = await startExampleServer();
});

afterEach(async () => {
  await running.close();
});

const JSON_TYPE = { 'content-type': 'application/json' };

describe('every answer', () => {
  test.each(['/api/v2/version', '/login', '/api/v2/dags', '/no-such-page', '/static/tradewind.css'])(
    'of %s has the security headers',
    async (url) => {
      const { headers } = await running.server.inject({ url });
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      );
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin', 'x-frame-options': 'DENY' });
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test('but the stylesheet is kept by nobody on the way', async () => {
    expect((await running.server.inject({ url: '/api/v2/version' })).headers['cache-control']).toBe('no-store');
    expect((await running.server.inject({ url: '/static/tradewind.css' })).headers['cache-control']).toContain('max-age');
  });
});

describe('a body', () => {
  const post = (payload: string | Buffer, headers: Readonly<Record<string, string>> = JSON_TYPE, url = '/api/v2/dags/orders/dagRuns') =>
    running.server.inject({ method: 'POST', url, payload, headers: { ...running.as('admin'), ...headers } });

  test('of more than a mebibyte is refused', async () => {
    const response = await post(JSON.stringify({ logical_date: null, note: 'x'.repeat(1_048_576) }));
    expect(response.statusCode).toBe(413);
    expect(response.json()).toEqual({ detail: 'Request body is too large' });
  });

  test('is not read of somebody who has not logged in', async () => {
    const response = await post('x'.repeat(2_000_000), { ...JSON_TYPE, authorization: '' });
    expect(response.statusCode).toBe(401);
  });

  test('that is not JSON is refused as FastAPI does', async () => {
    const response = await post('{"logical_date":');
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ detail: [{ type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error' }] });
  });

  test('that is missing is named', async () => {
    const response = await running.server.inject({ method: 'POST', url: '/api/v2/dags/orders/dagRuns', headers: running.as('admin') });
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ detail: [{ type: 'missing', loc: ['body'], msg: 'Field required' }] });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'of type %s is no JSON',
    async (type) => {
      const response = await post('{"logical_date":null}', { 'content-type': type });
      expect(response.statusCode).toBe(422);
      expect(response.json()).toMatchObject({ detail: [{ type: 'model_attributes_type' }] });
    },
  );

  test('of a type that a login does not read is a 415', async () => {
    const response = await post('{}', { 'content-type': 'text/plain' }, '/auth/token');
    expect(response.statusCode).toBe(415);
  });

  test('of a login may be a form', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await post('username=admin&password=wrong', headers, '/auth/token');
    expect(response.json()).toEqual({ detail: 'Invalid credentials' });
  });

  test('cannot reach the prototype of an object', async () => {
    const response = await post('{"logical_date":null,"conf":{"__proto__":{"polluted":true},"limit":2}}');
    expect(response.json()).toMatchObject({ conf: { limit: 2 } });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('with a NUL in a text is refused before a database sees it', async () => {
    const response = await post(JSON.stringify({ logical_date: null, note: 'a\u0000b' }));
    expect(response.statusCode).toBe(422);
  });
});

describe('a request that changes something with the session cookie', () => {
  const patch = (headers: Readonly<Record<string, string>>) => {
    const token = running.authentication.issueToken('ada', 'admin', 60);
    return running.server.inject({
      method: 'PATCH',
      url: '/api/v2/dags/orders',
      payload: { is_paused: false },
      headers: { cookie: `other=1; tradewind-sales=${token}`, host: 'flows.example', ...headers },
    });
  };

  test.each([
    ['our own pages', { 'sec-fetch-site': 'same-origin' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['our own origin', { origin: 'https://flows.example' }],
  ])('is served when it comes from %s', async (_from, headers) => {
    expect((await patch(headers)).statusCode).toBe(200);
  });

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['another port', { origin: 'https://flows.example:8443' }],
    ['a sandboxed page', { origin: 'null' }],
    ['somebody who does not say', {}],
  ])('is refused when it comes from %s', async (_from, headers) => {
    expect((await patch(headers)).statusCode).toBe(403);
  });

  test('needs no origin with a token in its header', async () => {
    const response = await running.server.inject({
      method: 'PATCH',
      url: '/api/v2/dags/orders',
      payload: { is_paused: false },
      headers: running.as('admin'),
    });
    expect(response.statusCode).toBe(200);
  });
});

describe('a token', () => {
  test.each([
    ['in the address', { url: '/api/v2/dags?access_token=TOKEN&token=TOKEN' }, 401],
    ['as another scheme', { url: '/api/v2/dags', headers: { authorization: 'Basic TOKEN' } }, 401],
    ["in another environment's cookie", { url: '/api/v2/dags', headers: { cookie: 'tradewind-customers=TOKEN' } }, 401],
    ['in the header', { url: '/api/v2/dags', headers: { authorization: 'bearer TOKEN' } }, 200],
    ['in the cookie', { url: '/api/v2/dags', headers: { cookie: 'tradewind-sales=TOKEN' } }, 200],
  ])('%s is answered with the right status', async (_where, request, status) => {
    const token = running.authentication.issueToken('ada', 'viewer', 60);
    const filled = JSON.parse(JSON.stringify(request).replaceAll('TOKEN', token)) as typeof request;
    expect((await running.server.inject(filled)).statusCode).toBe(status);
  });

  test('that is forged is a 403, and one that has expired a 401, as in Airflow', async () => {
    const ask = (token: string) => running.server.inject({ url: '/api/v2/dags', headers: { authorization: `Bearer ${token}` } });
    expect((await ask('a.b.c')).json()).toEqual({ detail: 'Invalid JWT token' });
    const token = running.authentication.issueToken('ada', 'viewer', 60);
    running.clock.advance(60_000);
    const expired = await ask(token);
    expect([expired.statusCode, expired.json()]).toEqual([401, { detail: 'Token Expired' }]);
    expect(expired.headers['www-authenticate']).toBe('Bearer');
  });
});

describe('a failure', () => {
  test('inside says nothing to the client and everything to the log', async () => {
    await running.database.batch([{ name: 'break', text: () => 'alter table dag rename to dag_gone', values: [] }]);
    const response = await running.server.inject({ url: '/api/v2/dags', headers: running.as('viewer') });
    expect([response.statusCode, response.json()]).toEqual([500, { detail: 'Internal Server Error' }]);
    expect(running.errors).toMatchObject([{ fields: { requestId: response.headers['x-request-id'], path: '/api/v2/dags', status: 500 } }]);
    expect(String(running.errors[0]?.fields['error'])).toContain('no such table');
  });

  test('of the database leaves the health document standing', async () => {
    await running.database.batch([{ name: 'break', text: () => 'drop table job', values: [] }]);
    const response = await running.server.inject({ url: '/api/v2/monitor/health' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ metadatabase: { status: 'unhealthy' }, scheduler: { status: 'unhealthy' } });
  });

  test('to find a path is JSON for programs and a page for people', async () => {
    expect((await running.server.inject({ url: '/api/v2/no-such' })).json()).toEqual({ detail: 'Not Found' });
    const page = await running.server.inject({ url: '/no-such', headers: { accept: 'text/html' } });
    expect([page.statusCode, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
  });
});

describe('the log', () => {
  test('keeps who changed what, and nobody who only looked', async () => {
    await running.server.inject({ url: '/api/v2/dags', headers: running.as('user') });
    await running.server.inject({
      method: 'PATCH',
      url: '/api/v2/dags/orders?update_mask=is_paused',
      headers: running.as('user'),
      payload: { is_paused: true },
    });
    expect(running.notes).toMatchObject([{ fields: { operation: 'patch_dag', path: '/api/v2/dags/orders', username: 'the user' } }]);
  });
});

describe('ids of the greatest length', () => {
  test('are found in a path', async () => {
    const dagId = 'ü'.repeat(250);
    const response = await running.server.inject({ url: `/api/v2/dags/${encodeURIComponent(dagId)}`, headers: running.as('viewer') });
    expect(response.json()).toEqual({ detail: `The Dag with ID: \`${dagId}\` was not found` });
  });
});

describe('listen', () => {
  /** Takes a port of the machine away for the length of a test. */
  async function takePort(): Promise<{ readonly port: number; release(): Promise<void> }> {
    const taker = createNetServer();
    await new Promise<void>((resolve) => taker.listen(0, '127.0.0.1', resolve));
    const { port } = taker.address() as AddressInfo;
    return { port, release: () => new Promise((resolve) => taker.close(() => resolve())) };
  }

  test('answers at the address that it returns', async () => {
    const address = await listen(running.server, { port: 0 });
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${address}/api/v2/version`)).json()).toEqual({ version: '0.1.0', git_version: null });
  });

  test('takes the next free port where none was asked for', async () => {
    const taken = await takePort();
    try {
      const address = await listen(running.server, { port: taken.port });
      expect(Number(new URL(address).port)).toBeGreaterThan(taken.port);
    } finally {
      await taken.release();
    }
  });

  test('says which port is taken where that one was asked for', async () => {
    const taken = await takePort();
    try {
      await expect(listen(running.server, { port: taken.port, isPortFixed: true })).rejects.toMatchObject({
        code: 'port_taken',
        message: expect.stringContaining(`port ${taken.port} on 127.0.0.1`) as string,
      });
    } finally {
      await taken.release();
    }
  });
});
