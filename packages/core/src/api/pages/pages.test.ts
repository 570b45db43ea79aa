import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { startExampleServer } from '../testing/example-server.ts';
import { TEST_PASSWORD, type TestServer } from '../testing/test-server.ts';

let running: TestServer;

beforeEach(async () => {
  running = await startExampleServer();
});

afterEach(async () => {
  await running.close();
});

const OURS = { 'sec-fetch-site': 'same-origin' };

async function getPage(url: string, as: 'viewer' | 'user' | 'op' | 'admin' = 'admin') {
  const response = await running.server.inject({ url, headers: running.as(as) });
  expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
  return { status: response.statusCode, body: response.body, text: textOf(response.body) };
}

function postForm(url: string, fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = running.as('user')) {
  return running.server.inject({
    method: 'POST',
    url,
    payload: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...OURS, ...headers },
  });
}

/** What somebody reads on a page. */
function textOf(markup: string): string {
  return markup
    .replace(/<head>.*<\/head>/s, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

const PAGES = [
  '/',
  '/dags/orders',
  '/dags/orders?trigger=form',
  '/dags/orders/runs/manual__1',
  '/dags/orders/runs/manual__2',
  '/dags/profiles/runs/asset_triggered__abc',
  '/dags/orders/runs/manual__1/tasks/total',
  '/dags/orders/runs/manual__1/tasks/total?try=1',
  '/dags/orders/runs/manual__2/tasks/total',
  '/events',
] as const;

describe('every page', () => {
  test.each(PAGES)('%s has a title, a heading, one main part and no script', async (url) => {
    const { status, body } = await getPage(url);
    expect(status).toBe(200);
    expect(body).toMatch(/<title>[^<]+ · sales<\/title>/);
    expect(body.match(/<h1>/g)).toHaveLength(1);
    expect(body.match(/<main/g)).toHaveLength(1);
    expect(body).not.toMatch(/<script|<style|\sstyle=|\son\w+=|javascript:/i);
  });

  test.each(PAGES)('%s shows a text with markup in it as text, wherever it is stored', async (url) => {
    const payload = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
    await poison(payload);
    const { status, body } = await getPage(url);
    expect(status).toBe(200);
    expect(body).not.toContain('<script');
    expect(body).not.toContain('<img');
    expect(body).toContain('&lt;script&gt;');
  });

  /** Puts a text into every column that shows one and holds nothing that a page needs to be found by. */
  async function poison(payload: string): Promise<void> {
    const json = JSON.stringify(payload);
    const changes: readonly (readonly [table: string, assignment: string, value: string])[] = [
      ['dag', 'display_name = $1, description = $1, owner = $1, schedule_summary = $1, file = $1, bundle_version = $1', payload],
      ['dag', 'tags = $1', `[${json}]`],
      ['dag_version', 'bundle_version = $1', payload],
      ['dag_run', 'note = $1, triggering_user = $1, bundle_version = $1', payload],
      ['dag_run', 'conf = $1', `{${json}:${json}}`],
      ['task_instance', 'operator = $1, hostname = $1', payload],
      ['task_instance', 'failure = $1', `{"kind":"error","message":${json},"detail":${json}}`],
      ['task_instance_history', 'failure = $1', `{"kind":"error","message":${json},"detail":${json}}`],
      ['xcom', 'value = $1', json],
      ['import_error', 'message = $1, excerpt = $1, stack = $1', payload],
      ['asset', 'name = $1 || id', payload],
      ['asset_event', 'extra = $1', json],
      ['subscription', 'source = $1, reason = $1', payload],
      ['inbox', 'reason = $1, message_id = $1, body = $1, attributes = $1, event_id = $1, event_source = $1, event_type = $1', payload],
      ['outbox', 'asset_name = $1, last_error = $1', payload],
    ];
    const statements = changes.map(([table, assignment, value], index) => ({
      name: `poison ${index}`,
      text: () => `update ${table} set ${assignment}`,
      values: [value],
    }));
    await running.database.batch(statements);
    const version = await running.database.reads.selectFrom('dagVersion').select(['id', 'serialized']).execute();
    const poisoned = version.map(({ id, serialized }) => ({
      name: 'poison version',
      text: () => 'update dag_version set serialized = $2 where id = $1',
      values: [
        id,
        serialized.replace('"Reads, sums and loads.\\nAsk sales about the regions."', json).replace('"Where the orders come from"', json),
      ],
    }));
    await running.database.batch(poisoned);
    const folder = path.join(running.logsFolder, 'dag_id=orders/run_id=manual__1/task_id=total');
    await mkdir(folder, { recursive: true });
    const record = { timestamp: payload, level: payload, logger: payload, event: payload, [payload]: payload };
    for (const number of [1, 2]) await writeFile(path.join(folder, `attempt=${number}.log`), `${JSON.stringify(record)}\n${payload}\n`);
  }

  test.each([
    ['/', true],
    ['/dags/orders', true],
    ['/dags/orders?trigger=form', false],
    ['/dags/profiles', false],
    ['/dags/orders/runs/manual__2', true],
    ['/dags/orders/runs/manual__1', false],
    ['/dags/orders/runs/manual__2/tasks/extract', true],
    ['/dags/orders/runs/manual__1/tasks/total', false],
  ])('%s is loaded again by itself exactly while something on it goes on: %s', async (url, expected) => {
    expect((await getPage(url)).body.includes('http-equiv="refresh"')).toBe(expected);
  });

  test.each(['/dags/no-such-dag', '/dags/orders/runs/no-such-run', '/dags/orders/runs/manual__1/tasks/no-such-task'])(
    '%s is a 404 in words',
    async (url) => {
      const { status, text } = await getPage(url);
      expect(status).toBe(404);
      expect(text).toMatch(/was not found|There is no dag/);
    },
  );
});

describe('the pages show', () => {
  test('import errors first, each with its place and the lines in question', async () => {
    const { text } = await getPage('/');
    expect(text).toContain('Import error in broken.ts:7:3 Unexpected token &#39;}&#39;');
    expect(text.indexOf('Import error')).toBeLessThan(text.indexOf('4 dags'));
  });

  test('each dag with its newest runs in words and its next run', async () => {
    const { text } = await getPage('/');
    expect(text).toContain('Orders etl daily &quot;hot&quot; every hour on ≡ queued ▶ running ✕ failed ✓ success in 23 min 0 s');
  });

  test('only dags that are searched for', async () => {
    const { text } = await getPage('/?q=prof');
    expect(text).toContain('1 dag ');
    expect(text).not.toContain('Orders');
  });

  test("a dag's tasks, runs and documentation", async () => {
    const { text } = await getPage('/dags/orders');
    expect(text).toContain('Reads, sums and loads. Ask sales about the regions.');
    expect(text).toContain('total function extract extract all_success 2');
    expect(text).toContain('manual__2 ▶ running manual');
  });

  test('a run with its tasks, its conf and who asked for it', async () => {
    const { text } = await getPage('/dags/orders/runs/manual__1');
    expect(text).toContain('ada (rest_api)');
    expect(text).toContain('total the disk of the source is full ✕ failed 2 of 2');
    expect(text).toContain('&quot;region&quot;: &quot;us&quot;');
  });

  test('the events that started a run, with id and source', async () => {
    const { text } = await getPage('/dags/profiles/runs/asset_triggered__abc');
    expect(text).toContain('customer_master 2026-11-21 11:00:00 UTC e-1 customer_master.completed /tradewind/customers/customer_master');
  });

  test('why a try failed above its log, try by try', async () => {
    expect((await getPage('/dags/orders/runs/manual__1/tasks/total')).text).toContain('the disk of the source is full error');
    expect((await getPage('/dags/orders/runs/manual__1/tasks/total?try=1')).text).toContain('the first try failed, too error');
  });

  test("a log's lines by level, with terminal escapes as text", async () => {
    const folder = path.join(running.logsFolder, 'dag_id=orders/run_id=manual__1/task_id=total');
    await mkdir(folder, { recursive: true });
    const record = { timestamp: '2026-11-21T12:00:00.123Z', level: 'error', logger: 'task', event: '\u001b[31mred', rows: 3 };
    await writeFile(path.join(folder, 'attempt=2.log'), `${JSON.stringify(record)}\n`);
    const { body, text } = await getPage('/dags/orders/runs/manual__1/tasks/total');
    expect(body).toContain('class="level-error"');
    expect(text).toContain('12:00:00.123 error task ␛[31mred rows=3');
  });

  test('the value that a task left', async () => {
    const run = encodeURIComponent('scheduled__2026-11-21T09:00:00+00:00');
    expect((await getPage(`/dags/orders/runs/${run}/tasks/extract`)).text).toContain('{ &quot;rows&quot;: [ 1, 2, 3 ] }');
  });

  test('a balance that adds up, the quarantine and what waits to be sent', async () => {
    const { text } = await getPage('/events');
    expect(text).toContain('3 received = 1 ran + 0 batched + 0 pending + 0 unmatched + 1 quarantined + 1 deduplicated');
    expect(text).toContain('the body claims to be a CloudEvent: $.id is missing');
    expect(text).toContain('{&quot;specversion&quot;:&quot;1.0&quot;}');
    expect(text).toContain('1 event waits to be sent; 1 of them failed');
  });

  test('what messages carry to operators only', async () => {
    const { text } = await getPage('/events', 'user');
    expect(text).not.toContain('specversion');
    expect(text).not.toContain('Quarantine');
  });

  test('nothing to press to somebody who may only look', async () => {
    for (const url of ['/', '/dags/orders?trigger=form']) {
      const { body } = await getPage(url, 'viewer');
      expect(body.match(/<form[^>]*method="post"[^>]*>/g)).toEqual([expect.stringContaining('/logout')]);
    }
  });
});

describe('a page that somebody is not logged in for', () => {
  test('is the form to log in, which comes back to it', async () => {
    const response = await running.server.inject({ url: '/dags/orders?offset=25' });
    expect(response.statusCode).toBe(401);
    expect(response.body).toContain('name="next" value="/dags/orders?offset=25"');
  });
});

describe('a cookie that is worth nothing any more', () => {
  test('leads to the form to log in', async () => {
    const response = await running.server.inject({ url: '/', headers: { cookie: 'tradewind-sales=a.b.c' } });
    expect(response.statusCode).toBe(401);
    expect(response.body).toContain('action="/login"');
  });
});

describe('logging in', () => {
  const logIn = (fields: Readonly<Record<string, string>>, headers = {}) =>
    postForm('/login', { username: 'admin', password: TEST_PASSWORD, ...fields }, headers);

  test('sets a cookie that opens the pages, and goes on to where it was asked for', async () => {
    const response = await logIn({ next: '/dags/orders' });
    expect([response.statusCode, response.headers.location]).toEqual([303, '/dags/orders']);
    const cookie = String(response.headers['set-cookie']).split(';')[0] ?? '';
    expect((await running.server.inject({ url: '/', headers: { cookie } })).statusCode).toBe(200);
  });

  test.each(['//evil.example', 'https://evil.example/', '/\\evil.example'])('never goes on to another host: %s', async (next) => {
    expect((await logIn({ next })).headers.location).toBe('/');
  });

  test('says no more than that user or password is wrong', async () => {
    const answers = [await logIn({ password: 'wrong' }), await logIn({ username: 'nobody' })];
    for (const response of answers) {
      expect(response.statusCode).toBe(401);
      expect(textOf(response.body)).toContain('The user or the password is wrong.');
      expect(response.headers['set-cookie']).toBeUndefined();
    }
  });

  test('is limited to five attempts a minute', async () => {
    for (let attempt = 1; attempt <= 5; attempt += 1) await logIn({ password: 'guess' });
    const response = await logIn({});
    expect([response.statusCode, textOf(response.body).includes('Try again in 60 s')]).toEqual([429, true]);
  });

  test('is refused when another site sends the form', async () => {
    expect((await logIn({}, { 'sec-fetch-site': 'cross-site' })).statusCode).toBe(403);
  });

  test('out makes the token worthless wherever it was kept', async () => {
    const cookie = String((await logIn({})).headers['set-cookie']).split(';')[0] ?? '';
    const response = await postForm('/logout', {}, { cookie });
    expect([response.statusCode, response.headers.location]).toEqual([303, '/login']);
    expect(response.headers['set-cookie']).toContain('Max-Age=0');
    const bearer = { authorization: `Bearer ${cookie.split('=')[1]}` };
    for (const headers of [{ cookie }, bearer]) {
      expect((await running.server.inject({ url: '/api/v2/dags', headers })).statusCode).toBe(403);
    }
  });
});

describe('the buttons', () => {
  test('pause a dag and turn it on again, and stay on their page', async () => {
    const paused = await postForm('/dags/orders/pause', { is_paused: 'true', from: 'dag' });
    expect([paused.statusCode, paused.headers.location]).toEqual([303, '/dags/orders']);
    expect((await getPage('/dags/orders')).text).toContain('paused');
    const on = await postForm('/dags/orders/pause', { is_paused: 'false', from: 'dags' });
    expect(on.headers.location).toBe('/');
    expect(running.wakes()).toBe(2);
  });

  test('trigger a dag as it is', async () => {
    const response = await postForm('/dags/orders/trigger', {});
    expect(response.headers.location).toMatch(/^\/dags\/orders\/runs\/manual__/);
    const run = await running.database.reads
      .selectFrom('dagRun')
      .selectAll()
      .orderBy(sql`rowid`, 'desc')
      .limit(1)
      .executeTakeFirst();
    expect(run).toMatchObject({ conf: '{}', triggeredBy: 'ui', triggeringUser: 'the user', state: 'queued' });
  });

  test('trigger a dag with what the form says', async () => {
    const fields = {
      form: 'params',
      'param.region': '"us"',
      'param.limit': '5',
      'param.filters': '{}',
      'param.label': '',
      run_id: 'mine',
      note: 'why',
    };
    const response = await postForm('/dags/orders/trigger', fields);
    expect(response.headers.location).toBe('/dags/orders/runs/mine');
    const run = await running.database.reads.selectFrom('dagRun').selectAll().where('runId', '=', 'mine').executeTakeFirst();
    expect(JSON.parse(run?.conf ?? '')).toEqual({ region: 'us', limit: 5, dry: false, filters: {}, label: '' });
    expect(run?.note).toBe('why');
  });

  test.each([
    ['what is no number', { 'param.limit': 'many' }, 422, 'limit: &#39;many&#39; is not a number'],
    ['what does not fit', { 'param.limit': '0' }, 400, '$.limit: 0 is less than the minimum 1'],
    ['a run id that is taken', { run_id: 'manual__1' }, 409, 'exists already'],
    ['a run id that cannot be one', { run_id: 'a b' }, 400, 'cannot be used'],
  ])('show the form again for %s, with what was typed', async (_what, fields, status, problem) => {
    const response = await postForm('/dags/orders/trigger', { form: 'params', note: 'still here', ...fields });
    expect(response.statusCode).toBe(status);
    expect(textOf(response.body)).toContain(problem);
    expect(response.body).toContain('value="still here"');
    expect(running.wakes()).toBe(0);
  });

  test('do nothing for a dag that there is not', async () => {
    expect((await postForm('/dags/no-such-dag/trigger', {})).statusCode).toBe(404);
    expect((await postForm('/dags/no-such-dag/pause', { is_paused: 'true', from: 'dag' })).statusCode).toBe(404);
  });
});
