import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
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

/** Of a task that has failed at its second try, and of one that is running. */
const FINISHED = '/api/v2/dags/orders/dagRuns/manual__1/taskInstances/total/logs';
const RUNNING = '/api/v2/dags/orders/dagRuns/manual__2/taskInstances/extract/logs';
const EVENT = 'x'.repeat(933);
/** A line of a thousand bytes. */
const LINE = `${JSON.stringify({ timestamp: '2026-11-21T12:00:00.000Z', level: 'info', event: EVENT })}\n`;

async function writeLog(run: string, task: string, tryNumber: number, content: string): Promise<string> {
  const folder = path.join(running.logsFolder, 'dag_id=orders', `run_id=${run}`, `task_id=${task}`);
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `attempt=${tryNumber}.log`);
  await writeFile(file, content);
  return file;
}

interface LogAnswer {
  readonly content: readonly { readonly event: string }[];
  readonly continuation_token: string | null;
}

async function read(url: string): Promise<LogAnswer> {
  const response = await running.server.inject({ url, headers: running.as('viewer') });
  expect(response.statusCode).toBe(200);
  return response.json<LogAnswer>();
}

describe('a log as JSON', () => {
  test('ends without a token where the try has ended', async () => {
    await writeLog('manual__1', 'total', 2, LINE.repeat(3));
    const answer = await read(`${FINISHED}/2`);
    expect(answer.content).toHaveLength(3);
    expect(answer.continuation_token).toBeNull();
  });

  test('comes in parts of about a mebibyte, each with the token of the next', async () => {
    await writeLog('manual__1', 'total', 1, LINE.repeat(2_500));
    const sizes: number[] = [];
    let token: string | null = '';
    while (token !== null) {
      const answer: LogAnswer = await read(`${FINISHED}/1${token === '' ? '' : `?token=${token}`}`);
      sizes.push(answer.content.length);
      token = answer.continuation_token;
    }
    expect(sizes).toEqual([1_049, 1_049, 402]);
  });

  test('of a running try always has a token, which brings what is written since', async () => {
    const file = await writeLog('manual__2', 'extract', 1, LINE);
    const first = await read(`${RUNNING}/1`);
    expect(first.content).toHaveLength(1);
    const token = first.continuation_token ?? '';
    expect((await read(`${RUNNING}/1?token=${token}`)).content).toEqual([]);
    await appendFile(file, '{"event":"more"}\n');
    expect((await read(`${RUNNING}/1?token=${token}`)).content).toEqual([{ event: 'more' }]);
  });

  test('is streamed whole where that is asked for', async () => {
    await writeLog('manual__1', 'total', 2, LINE.repeat(2_500));
    const answer = await read(`${FINISHED}/2?full_content=true`);
    expect(answer.content).toHaveLength(2_500);
    expect(answer.continuation_token).toBeNull();
  });

  test('is empty where nothing was written', async () => {
    expect(await read(`${FINISHED}/2`)).toEqual({ content: [], continuation_token: null });
  });
});

test('a log as NDJSON has a record in each line', async () => {
  await writeLog('manual__1', 'total', 2, `${LINE}plain text\n`);
  const headers = { ...running.as('viewer'), accept: 'application/x-ndjson' };
  const response = await running.server.inject({ url: `${FINISHED}/2`, headers });
  expect(response.headers['content-type']).toBe('application/x-ndjson');
  const records = response.body.trimEnd().split('\n');
  expect(records.map((record) => (JSON.parse(record) as { event: string }).event)).toEqual([EVENT, 'plain text']);
});

test('a log is not sent to somebody who asks for its head only', async () => {
  await writeLog('manual__1', 'total', 2, LINE);
  for (const query of ['', '?full_content=true']) {
    const response = await running.server.inject({ method: 'HEAD', url: `${FINISHED}/2${query}`, headers: running.as('viewer') });
    expect([response.statusCode, response.body]).toEqual([200, '']);
  }
});

test.each([
  ['a try that did not happen', `${FINISHED}/3`, 404],
  ['try 0', `${FINISHED}/0`, 404],
  ['a map index that there is not', `${FINISHED}/2?map_index=0`, 404],
  ['a task that there is not', '/api/v2/dags/orders/dagRuns/manual__1/taskInstances/no/logs/1', 404],
  ['a token of somebody else', `${FINISHED}/2?token=${Buffer.from('{"offset":-1}').toString('base64url')}`, 400],
  ['a token that is none', `${FINISHED}/2?token=xyz`, 400],
])('there is no log of %s', async (_what, url, status) => {
  const response = await running.server.inject({ url, headers: running.as('viewer') });
  expect(response.statusCode).toBe(status);
});
