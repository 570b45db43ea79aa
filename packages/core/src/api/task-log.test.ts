import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readTaskLogPart, readTaskLogTail, streamTaskLog, findTaskLogFile } from './task-log.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-log-'));
  file = path.join(folder, 'attempt=1.log');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const line = (number: number): string => `${JSON.stringify({ event: `line ${number}` })}\n`;
const lines = (count: number): string => Array.from({ length: count }, (_, index) => line(index + 1)).join('');
const NAME = { dagId: 'orders', runId: 'manual__1', taskId: 'load', mapIndex: -1 };

describe('findTaskLogFile', () => {
  test('is laid out as in Airflow', () => {
    expect(findTaskLogFile('/logs', NAME, 2)).toBe('/logs/dag_id=orders/run_id=manual__1/task_id=load/attempt=2.log');
    expect(findTaskLogFile('/logs', { ...NAME, mapIndex: 3 }, 1)).toBe(
      '/logs/dag_id=orders/run_id=manual__1/task_id=load/map_index=3/attempt=1.log',
    );
  });

  test.each([
    { ...NAME, dagId: '..' },
    { ...NAME, dagId: '../../etc' },
    { ...NAME, runId: '..' },
    { ...NAME, runId: 'a/../../b' },
    { ...NAME, taskId: '../load' },
    { ...NAME, taskId: 'a\0b' },
  ])('is nowhere for a name that leads out of the folder: %o', (name) => {
    expect(findTaskLogFile('/logs', name, 1)).toBeUndefined();
  });
});

describe('readTaskLogPart', () => {
  test('reads whole lines up to a size, and goes on where it stopped', async () => {
    await writeFile(file, lines(10));
    const first = await readTaskLogPart(file, 0, line(1).length * 3);
    expect(first).toMatchObject({ isAtEnd: false, nextOffset: line(1).length * 3 });
    const second = await readTaskLogPart(file, first.nextOffset, 1_000);
    expect(second.isAtEnd).toBe(true);
    expect([...first.records, ...second.records].map(({ event }) => event)).toEqual(
      Array.from({ length: 10 }, (_, index) => `line ${index + 1}`),
    );
  });

  test('leaves a line that is still being written for the next time', async () => {
    await writeFile(file, `${line(1)}{"event":"half`);
    const part = await readTaskLogPart(file, 0, 1_000);
    expect(part).toEqual({ records: [{ event: 'line 1' }], nextOffset: line(1).length, isAtEnd: true });
    await writeFile(file, `${line(1)}{"event":"half a line"}\n`);
    expect((await readTaskLogPart(file, part.nextOffset, 1_000)).records).toEqual([{ event: 'half a line' }]);
  });

  test('takes a file that does not exist as an empty log', async () => {
    expect(await readTaskLogPart(file, 0, 1_000)).toEqual({ records: [], nextOffset: 0, isAtEnd: true });
  });

  test('finds nothing behind the end', async () => {
    await writeFile(file, lines(1));
    expect(await readTaskLogPart(file, 9_999, 1_000)).toEqual({ records: [], nextOffset: 9_999, isAtEnd: true });
  });

  test.each(['plain text', '[1,2]', 'null', '{"no":"event"}', '{broken'])('shows a line that is no record as text: %s', async (text) => {
    await writeFile(file, `${text}\n`);
    expect((await readTaskLogPart(file, 0, 1_000)).records).toEqual([{ event: text }]);
  });

  test('keeps characters whole that lie across two reads', async () => {
    const event = 'ü'.repeat(100_001);
    await writeFile(file, `x\n${JSON.stringify({ event })}\n`);
    expect((await readTaskLogPart(file, 0, 1_000_000)).records[1]).toEqual({ event });
  });

  test('cuts a line without end and finds the one after it', async () => {
    await writeFile(file, `${'x'.repeat(3_000_000)}\n${line(2)}`);
    const { records, nextOffset } = await readTaskLogPart(file, 0, 10_000_000);
    expect(records[0]?.event.length).toBeLessThan(1_200_000);
    expect(records[1]).toEqual({ event: 'line 2' });
    expect(nextOffset).toBe(3_000_001 + line(2).length);
  });
});

test('streamTaskLog reads to the end without holding the whole', async () => {
  await writeFile(file, lines(200_000));
  let count = 0;
  for await (const record of streamTaskLog(file, line(1).length)) count += record.event.startsWith('line ') ? 1 : 0;
  expect(count).toBe(199_999);
});

describe('readTaskLogTail', () => {
  test('reads the end in whole lines and says that there is more before it', async () => {
    await writeFile(file, lines(9));
    const { records, isCut } = await readTaskLogTail(file, line(1).length * 3 - 2);
    expect(records.map(({ event }) => event)).toEqual(['line 8', 'line 9']);
    expect(isCut).toBe(true);
  });

  test('reads a short log from its beginning', async () => {
    await writeFile(file, lines(2));
    expect(await readTaskLogTail(file, 1_000)).toEqual({ records: [{ event: 'line 1' }, { event: 'line 2' }], isCut: false });
  });

  test('takes a file that does not exist as an empty log', async () => {
    expect(await readTaskLogTail(file, 1_000)).toEqual({ records: [], isCut: false });
  });
});
