import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTES } from './routes.ts';
import { startExampleServer } from './testing/example-server.ts';
import type { TestServer } from './testing/test-server.ts';

/** Everything that somebody who has not logged in may reach. A route that is added here needs a reason. */
const PUBLIC = [
  'GET /api/v2/monitor/health',
  'GET /api/v2/version',
  'GET /login',
  'GET /static/tradewind.css',
  'HEAD /api/v2/monitor/health',
  'HEAD /api/v2/version',
  'HEAD /login',
  'HEAD /static/tradewind.css',
  'POST /auth/token',
  'POST /auth/token/cli',
  'POST /login',
];

/** Paths that exist, for the parameters of a route. */
const EXAMPLE_PARAMS: Readonly<Record<string, string>> = {
  dag_id: 'orders',
  dag_run_id: 'manual__1',
  run_id: 'manual__1',
  task_id: 'total',
  try_number: '2',
  xcom_key: 'return_value',
  variable_key: 'example_region',
  connection_id: 'example_db',
  section: 'log',
  option: 'level',
  asset_id: '1',
  map_index: '-1',
  task_try_number: '1',
  group_id: 'report',
  pool_name: 'default_pool',
};

let running: TestServer;

beforeAll(async () => {
  running = await startExampleServer();
});

afterAll(async () => {
  await running.close();
});

/** What the server itself says that it answers: `GET /api/v2/dags/:dag_id`. */
function servedRoutes(): readonly string[] {
  const served: string[] = [];
  const path: string[] = [];
  for (const line of running.server.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^(?<indent>[│ ]*)[├└]── (?<part>\S+)(?: \((?<methods>[^)]*)\))?/.exec(line);
    if (match?.groups === undefined) continue;
    const { indent = '', part = '', methods } = match.groups;
    path.length = indent.length / 4;
    path.push(part);
    for (const method of methods?.split(', ') ?? []) served.push(`${method} ${path.join('')}`);
  }
  return served.toSorted();
}

function fill(url: string): string {
  return url.replaceAll(/[:{](\w+)\}?/g, (_whole, name: string) => encodeURIComponent(EXAMPLE_PARAMS[name] ?? name));
}

describe('the route table', () => {
  test('is everything that the server answers', () => {
    const declared = ROUTES.flatMap(({ method, url }) => {
      const path = url.replaceAll(/\{(\w+)\}/g, ':$1');
      return method === 'GET' ? [`GET ${path}`, `HEAD ${path}`] : [`${method} ${path}`];
    });
    expect(servedRoutes()).toEqual(declared.toSorted());
  });

  test('lets somebody who has not logged in reach a literal list of routes and nothing else', async () => {
    const reached: string[] = [];
    for (const route of servedRoutes()) {
      const [method = '', url = ''] = route.split(' ');
      const response = await running.server.inject({
        method: method,
        url: fill(url),
        headers: { 'sec-fetch-site': 'same-origin' },
      });
      if (response.statusCode !== 401) reached.push(route);
      else if (method !== 'HEAD') expect(response.body).toMatch(/Not authenticated|Log in/);
    }
    expect(reached).toEqual(PUBLIC);
  });

  test('gives each route an operation id of its own', () => {
    expect(new Set(ROUTES.map(({ operationId }) => operationId)).size).toBe(ROUTES.length);
  });

  test('asks at least for the role user where something changes', () => {
    const tooLow = ROUTES.filter(({ method, policy }) => method !== 'GET' && policy.kind === 'role' && policy.atLeast === 'viewer');
    expect(tooLow.map(({ operationId }) => operationId)).toEqual(['page_logout']);
  });

  test('changes nothing when something is read', async () => {
    const before = await dump();
    const reads = ROUTES.filter(({ method }) => method === 'GET');
    for (const { url } of reads) await running.server.inject({ url: fill(url), headers: running.as('admin') });
    expect(running.errors).toEqual([]);
    expect(await dump()).toEqual(before);
    expect(running.wakes()).toBe(0);
  });
});

/** Every row of every table. */
async function dump(): Promise<readonly unknown[]> {
  const { reads } = running.database;
  const tables = await sql<{ name: string }>`select name from sqlite_master where type = 'table' order by name`.execute(reads);
  return Promise.all(tables.rows.map(async ({ name }) => [name, (await sql`select * from ${sql.table(name)}`.execute(reads)).rows]));
}
