import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logLine, logLines } from '../../task-logs/testing/log-file.ts';
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
const FINISHED = '/api/v2/tradewind/dags/orders/dagRuns/manual__1/taskInstances/total/logs/2';
const RUNNING = '/api/v2/tradewind/dags/orders/dagRuns/manual__2/taskInstances/extract/logs/1';

async function writeLog(run: string, task: string, tryNumber: number, content: string): Promise<void> {
  const folder = path.join(running.logsFolder, 'dag_id=orders', `run_id=${run}`, `task_id=${task}`);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, `attempt=${tryNumber}.log`), content);
}

async function read(url: string, status = 200): Promise<unknown> {
  const response = await running.server.inject({ url, headers: running.as('viewer') });
  expect(response.statusCode).toBe(status);
  return response.json();
}

test('the index of a log says what is in it', async () => {
  await writeLog('manual__1', 'total', 2, logLine('::group::G') + logLine('x', { level: 'error' }) + logLine('::endgroup::'));
  expect(await read(`${FINISHED}/index`)).toMatchObject({
    lines: 3,
    is_complete: true,
    levels: { info: 2, error: 1 },
    sources: { stdout: 3 },
    error_lines: [2],
    error_lines_truncated: false,
    groups: [{ name: 'G', from_line: 1, to_line: 3, parent: null }],
  });
  expect(await read(`${RUNNING}/index`)).toMatchObject({ lines: 0, is_complete: false });
});

describe('the lines of a log', () => {
  test.each([
    ['?from=3&to=4', [3, 4], 5],
    ['?from=9', [9, 10], 11],
    ['?to=1', [1], 2],
    ['?tail=2', [9, 10], 11],
    ['?tail=99', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 11],
    ['?from=11', [], 11],
  ])('asked with %s are those', async (query, lines, nextLine) => {
    await writeLog('manual__1', 'total', 2, logLines(10));
    const answer = (await read(`${FINISHED}/lines${query}`)) as { lines: { line: number }[] };
    expect(answer).toMatchObject({ next_line: nextLine, total_lines: 10, is_complete: true });
    expect(answer.lines.map(({ line }) => line)).toEqual(lines);
  });

  test('come with their records as they are, with source and group', async () => {
    await writeLog('manual__1', 'total', 2, logLine('x', { logger: 'task', rows: 3 }));
    expect(await read(`${FINISHED}/lines`)).toMatchObject({
      lines: [{ line: 1, source: 'task', group: null, record: { event: 'x', rows: 3 } }],
    });
  });

  test('are at most a thousand, and the answer says where to go on', async () => {
    await writeLog('manual__1', 'total', 2, logLines(1_500));
    expect(await read(`${FINISHED}/lines`)).toMatchObject({ lines: { length: 1_000 }, next_line: 1_001, total_lines: 1_500 });
  });
});

test('a search finds lines and says where to go on', async () => {
  await writeLog('manual__1', 'total', 2, logLines(20) + logLine('bad line 1', { level: 'error', logger: 'task.stderr' }));
  const found = async (query: string): Promise<unknown> => {
    const { lines, next_line: next } = (await read(`${FINISHED}/search?${query}`)) as {
      lines: { line: number }[];
      next_line: number | null;
    };
    return [lines.map(({ line }) => line), next];
  };
  expect(await found('text=LINE%201&limit=3')).toEqual([[1, 10, 11], 12]);
  expect(await found('text=line%201&from=12&source=stderr&source=task')).toEqual([[21], null]);
  expect(await found('regex=%5Eline%202%5Cd%3F%24')).toEqual([[2, 20], null]);
  expect(await found('level=warning')).toEqual([[21], null]);
});

test.each([
  ['lines?tail=2&from=1', 400, 'tail'],
  ['lines?from=0', 422, 'from'],
  ['search?regex=a(b', 400, 'regex'],
  [`search?regex=${'a'.repeat(1_001)}`, 400, '1001 characters'],
  ['search?text=', 400, 'text'],
  ['search?level=loud', 422, 'level'],
  ['index?map_index=3', 404, 'not found'],
])('%.30s is refused with status %d, naming what is wrong', async (rest, status, word) => {
  expect(JSON.stringify(await read(`${FINISHED}/${rest}`, status))).toContain(word);
});

test('a try that did not begin has no lines', async () => {
  await read(`${FINISHED.replace(/2$/, '3')}/lines`, 404);
});

describe('following a log', () => {
  test('tells it as NDJSON to its end where the try has ended', async () => {
    await writeLog('manual__1', 'total', 2, logLines(3) + logLine('task ended', { logger: 'supervisor' }));
    const response = await running.server.inject({ url: `${FINISHED}/follow?from=2`, headers: running.as('viewer') });
    expect(response.headers['content-type']).toBe('application/x-ndjson');
    const lines = response.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: number; record: { event: string } });
    expect(lines.map(({ line, record }) => [line, record.event])).toEqual([
      [2, 'line 2'],
      [3, 'line 3'],
      [4, 'task ended'],
    ]);
  });

  test('of a running try ends when the server closes, and does not keep it from closing', async () => {
    await writeLog('manual__2', 'extract', 1, logLines(2));
    const address = await running.server.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`${address}${RUNNING}/follow`, { headers: running.as('viewer') });
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain('line 2');
    await running.server.close();
    expect((await reader?.read())?.done).toBe(true);
  });

  test('ends on the server when the reader leaves, although nothing is written', async () => {
    const gone = Promise.withResolvers<void>();
    running.clock.setTimer = () => ({ cancel: () => gone.resolve() });
    const address = await running.server.listen({ host: '127.0.0.1', port: 0 });
    const leaving = new AbortController();
    await writeLog('manual__2', 'extract', 1, logLines(1));
    const response = await fetch(`${address}${RUNNING}/follow`, { headers: running.as('viewer'), signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    // The wait for more of the log is given up.
    await gone.promise;
  });
});
