import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from './routes.ts';
import { startExampleServer } from './testing/example-server.ts';
import { TEST_PASSWORD, type TestServer } from './testing/test-server.ts';

/** Bob may read one dag, whose events come from outside; everything else is none of his business. */
const USERS = [
  { username: 'bob', role: 'admin', dags: ['profiles'] },
  { username: 'nobody', role: 'admin', dags: [] },
] as const;

let running: TestServer;
let bob: { readonly authorization: string };
let nobody: { readonly authorization: string };

beforeAll(async () => {
  running = await startExampleServer({ users: USERS });
  [bob, nobody] = await Promise.all([logIn('bob'), logIn('nobody')]);
});

afterAll(async () => {
  await running.close();
});

async function logIn(username: string): Promise<{ readonly authorization: string }> {
  const response = await running.server.inject({ method: 'POST', url: '/auth/token', payload: { username, password: TEST_PASSWORD } });
  return { authorization: `Bearer ${response.json<{ access_token: string }>().access_token}` };
}

/** Routes that name a dag in their path. */
const DAG_ROUTES = ROUTES.filter(({ url }) => url.includes('{dag_id}'));
/** Routes that show what several dags have. */
const LISTS = [
  '/api/v2/dags?exclude_stale=false',
  '/api/v2/dags/~/dagRuns',
  '/api/v2/dags/~/dagRuns/~/taskInstances',
  '/api/v2/dags/~/dagRuns/manual__1/taskInstances',
  '/api/v2/assets?only_active=false',
  '/api/v2/assets/events',
  '/api/v2/importErrors',
  '/',
];

describe('somebody who may not read every dag', () => {
  test.each(DAG_ROUTES)('is refused by $operationId for a dag of others, whether it exists or not', async ({ method, url }) => {
    const ask = async (dagId: string) => {
      const path = url
        .replace('{dag_id}', dagId)
        .replace('{try_number}', '1')
        .replaceAll(/\{\w+\}/g, 'manual__1');
      const payload = method === 'GET' ? {} : { payload: { is_paused: true, logical_date: null } };
      const response = await running.server.inject({ method, url: path, headers: { ...bob, 'sec-fetch-site': 'same-origin' }, ...payload });
      return { status: response.statusCode, body: response.body.replaceAll(/request [0-9a-f-]{36}/g, '') };
    };
    const theirs = await ask('orders');
    expect(theirs.status).toBe(403);
    expect(await ask('no-such-dag')).toEqual(theirs);
  });

  test.each(LISTS)('sees nothing of others in %s', async (url) => {
    const response = await running.server.inject({ url, headers: { ...bob, accept: '*/*' } });
    expect(response.statusCode).toBe(200);
    expect(response.body).not.toMatch(/orders|nightly|gone|broken|warehouse/);
  });

  test('sees what is theirs', async () => {
    const get = async (url: string) => (await running.server.inject({ url, headers: bob })).json<{ total_entries: number }>().total_entries;
    expect(await get('/api/v2/dags')).toBe(1);
    expect(await get('/api/v2/dags/~/dagRuns')).toBe(1);
    expect(await get('/api/v2/dags/profiles/dagRuns/~/taskInstances')).toBe(1);
    expect(await get('/api/v2/assets')).toBe(1);
    expect(await get('/api/v2/assets/events')).toBe(1);
  });

  test('cannot report an event of an asset of others', async () => {
    const response = await running.server.inject({ method: 'POST', url: '/api/v2/assets/events', headers: bob, payload: { asset_id: 2 } });
    expect(response.statusCode).toBe(404);
  });

  test('sees nothing at all with no dags', async () => {
    for (const url of LISTS.filter((path) => path.startsWith('/api/v2') && !path.includes('~'))) {
      const response = await running.server.inject({ url, headers: nobody });
      expect(response.json<{ total_entries: number }>().total_entries).toBe(0);
    }
  });
});

describe('a role', () => {
  test.each(ROUTES.filter(({ policy }) => policy.kind === 'role' && policy.atLeast !== 'viewer'))(
    'below the one that $operationId asks for is refused, and learns which one it is',
    async ({ method, url, policy }) => {
      if (policy.kind !== 'role') throw new Error('the filter above leaves only these');
      const below = policy.atLeast === 'user' ? 'viewer' : 'user';
      const path = url.replaceAll(/\{\w+\}/g, 'orders');
      const headers = { ...running.as(below), 'sec-fetch-site': 'same-origin' };
      const response = await running.server.inject({ method, url: path, headers });
      expect(response.statusCode).toBe(403);
      expect(response.body).toContain(`takes the role ${policy.atLeast}`);
    },
  );
});
