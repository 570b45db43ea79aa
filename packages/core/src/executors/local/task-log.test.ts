import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { LogRecord } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../platform/log.ts';
import { createVirtualClock, type VirtualClock } from '../../platform/testing/virtual-clock.ts';
import { systemClock } from '../../platform/clock.ts';
import { createTestFolder, type TestFolder } from '../testing/test-bundle.ts';
import { LogWriter } from './log-writer.ts';
import { TaskLog } from './task-log.ts';

let folder: TestFolder;
let writer: LogWriter;
let clock: VirtualClock;
let file: string;

beforeEach(() => {
  folder = createTestFolder();
  writer = new LogWriter(silentLog, systemClock);
  clock = createVirtualClock();
  file = path.join(folder.path, 'dag_id=a/attempt=1.log');
});

afterEach(async () => {
  await writer.close();
  folder[Symbol.dispose]();
});

function begin(writesQuietLogs = false): TaskLog {
  const log = new TaskLog(file, { writer, clock, writesQuietLogs });
  log.begin({ event: 'begun' });
  return log;
}

async function written(): Promise<readonly string[] | undefined> {
  await Promise.resolve();
  await writer.flushed();
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as LogRecord).event);
}

describe('a try that says nothing and has succeeded', () => {
  test('has no file', async () => {
    const log = begin();
    log.close((its) => its.note('info', { event: 'over' }), true);
    await clock.advance(10_000);
    expect(await written()).toBeUndefined();
  });

  test('has one where that is wanted', async () => {
    const log = begin(true);
    log.close((its) => its.note('info', { event: 'over' }), true);
    expect(await written()).toEqual(['begun', 'over']);
  });
});

test.each<[string, (log: TaskLog) => void, string]>([
  ['prints', (log) => log.print('stdout', 'a line', 0), 'a line'],
  [
    'writes a record',
    (log) => log.record({ timestamp: '2026-01-01T00:00:00Z', level: 'info', event: 'a record', logger: 'task' }),
    'a record',
  ],
  ['is noted', (log) => log.note('warning', { event: 'a note' }), 'a note'],
])('a try that %s has its first note before that, and a file', async (_, say, event) => {
  const log = begin();
  say(log);
  log.close((its) => its.note('info', { event: 'over' }), true);
  expect(await written()).toEqual(['begun', event, 'over']);
});

test('a try that takes longer than a second shows that it has begun', async () => {
  const log = begin();
  await clock.advance(999);
  expect(await written()).toBeUndefined();
  await clock.advance(1);
  expect(await written()).toEqual(['begun']);
  log.close((its) => its.note('info', { event: 'over' }), true);
  expect(await written()).toEqual(['begun', 'over']);
});

test('a try that ends otherwise has a file', async () => {
  const log = begin();
  log.close((its) => its.note('error', { event: 'failed' }));
  expect(await written()).toEqual(['begun', 'failed']);
});
