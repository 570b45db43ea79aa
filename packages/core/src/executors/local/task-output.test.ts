import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { RECORD_SEPARATOR, type LogRecord } from '@tradewind/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import { silentLog } from '../../platform/log.ts';
import { createTestFolder, type TestFolder } from '../testing/test-bundle.ts';
import { LogWriter } from './log-writer.ts';
import { TaskLog } from './task-log.ts';
import { TaskOutput } from './task-output.ts';

const first = { taskInstanceId: 'first', epoch: 1 };
const second = { taskInstanceId: 'second', epoch: 1 };
let folder: TestFolder;
let writer: LogWriter;
let streams: { stdout: PassThrough; stderr: PassThrough };
let output: TaskOutput;
let logs: Map<string, TaskLog>;

beforeEach(() => {
  folder = createTestFolder();
  writer = new LogWriter(silentLog, systemClock);
  streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  output = new TaskOutput(streams, writer);
  logs = new Map();
});

afterEach(async () => {
  await writer.close();
  folder[Symbol.dispose]();
});

function begin(attempt: typeof first): void {
  const log = new TaskLog(path.join(folder.path, attempt.taskInstanceId), { writer, clock: systemClock });
  logs.set(attempt.taskInstanceId, log);
  output.begin(attempt, log);
}

function finish(attempt: typeof first): boolean {
  return output.finish(attempt, () => logs.get(attempt.taskInstanceId)?.close((log) => log.note('info', { event: 'over' })));
}

async function print(stream: 'stdout' | 'stderr', text: string): Promise<void> {
  streams[stream].write(text);
  await new Promise(setImmediate);
}

const mark = (attempt: typeof first): string => `\n${RECORD_SEPARATOR}${JSON.stringify({ outputEndOf: attempt })}\n`;

async function read(attempt: typeof first): Promise<string[]> {
  await writer.flushed();
  const text = readFileSync(path.join(folder.path, attempt.taskInstanceId), 'utf8').trim();
  return text.split('\n').map((line) => {
    const { logger, event } = JSON.parse(line) as LogRecord;
    return `${logger}: ${event}`;
  });
}

test('output goes to the try that printed it, though the next one has begun', async () => {
  begin(first);
  finish(first);
  begin(second);
  await print('stdout', 'late\n');
  await print('stderr', `late, too\n${mark(first)}early\n`);
  await print('stdout', `${mark(first)}on time\n`);
  finish(second);
  await print('stdout', mark(second));
  await print('stderr', mark(second));
  expect(await read(first)).toEqual(['task.stdout: late', 'task.stderr: late, too', 'supervisor: over']);
  expect(await read(second)).toEqual(['task.stderr: early', 'task.stdout: on time', 'supervisor: over']);
});

test('a log is closed by its last output and not before', async () => {
  begin(first);
  finish(first);
  await print('stdout', `one\n${mark(first)}`);
  await print('stderr', 'two\n');
  expect(await read(first)).toEqual(['task.stdout: one', 'task.stderr: two']);
  await print('stderr', mark(first));
  expect((await read(first)).at(-1)).toBe('supervisor: over');
});

test('logs are closed when the process has ended without a mark', async () => {
  begin(first);
  finish(first);
  begin(second);
  await print('stdout', 'last words');
  output.end();
  finish(second);
  expect(await read(first)).toEqual(['task.stdout: last words', 'supervisor: over']);
  expect(await read(second)).toEqual(['supervisor: over']);
});

test('records of the child are kept as they are', async () => {
  begin(first);
  const record = { timestamp: '2026-01-01T00:00:00Z', level: 'warning', event: 'disk is filling up', logger: 'task', free: 3 };
  await print('stdout', `\n${RECORD_SEPARATOR}${JSON.stringify(record)}\n${mark(first)}`);
  await writer.flushed();
  expect(JSON.parse(readFileSync(path.join(folder.path, 'first'), 'utf8'))).toEqual(record);
});

test('the last words on standard error are those of the newest try', async () => {
  begin(first);
  await print('stderr', `${'x'.repeat(20_000)}\nfirst\n`);
  expect(output.stderrTail.length).toBeLessThanOrEqual(8_192);
  begin(second);
  await print('stderr', 'second\n');
  expect(output.stderrTail).toBe('second\n');
});

test('reading pauses while the disk is behind, and the rest is read in any case once the process has ended', async () => {
  const backlog = { isBehind: true, resumes: [] as (() => void)[], whenDrained: (resume: () => void) => backlog.resumes.push(resume) };
  streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  output = new TaskOutput(streams, backlog);
  begin(first);
  await print('stdout', 'one\n');
  expect([streams.stdout.isPaused(), streams.stderr.isPaused()]).toEqual([true, false]);
  backlog.isBehind = false;
  for (const resume of backlog.resumes.splice(0)) resume();
  await print('stdout', 'two\n');
  backlog.isBehind = true;
  await print('stdout', 'three\n');
  await print('stdout', 'four\n');
  expect((await read(first)).at(-1)).toBe('task.stdout: three');
  output.readRest();
  await print('stdout', 'five\n');
  expect((await read(first)).slice(-2)).toEqual(['task.stdout: four', 'task.stdout: five']);
});

test('a try that has not begun cannot be finished', () => {
  expect(finish(first)).toBe(false);
});
