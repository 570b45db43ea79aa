import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../platform/clock.ts';
import { createLog } from '../../platform/log.ts';
import { createTestFolder, type TestFolder } from '../testing/test-bundle.ts';
import { LogWriter } from './log-writer.ts';

let folder: TestFolder;
let writer: LogWriter;
let lines: string[];

beforeEach(() => {
  folder = createTestFolder();
  lines = [];
  writer = new LogWriter(createLog({ level: 'info', format: 'json', write: (line) => lines.push(line), now: () => 0 }), systemClock);
});

afterEach(async () => {
  await writer.close();
  folder[Symbol.dispose]();
});

const at = (...parts: string[]): string => path.join(folder.path, ...parts);

test('appends to files, in order, making them and their folders', async () => {
  writeFileSync(at('b.log'), 'before ');
  for (const text of ['one ', 'two ', 'three']) {
    writer.append({ file: at('deep', 'er', 'a.log'), text });
    writer.append({ file: at('b.log'), text });
    writer.post();
  }
  await writer.flushed();
  expect(readFileSync(at('deep', 'er', 'a.log'), 'utf8')).toBe('one two three');
  expect(readFileSync(at('b.log'), 'utf8')).toBe('before one two three');
});

test('writes what nobody asks for, too', async () => {
  writer.append({ file: at('a.log'), text: 'x' });
  while (!isWritten(at('a.log'))) await new Promise(setImmediate);
  expect(readFileSync(at('a.log'), 'utf8')).toBe('x');
});

test('makes a folder again that somebody has taken away', async () => {
  for (const round of ['first', 'second']) {
    writer.append({ file: at('logs', 'a.log'), text: round });
    await writer.flushed();
    expect(readFileSync(at('logs', 'a.log'), 'utf8')).toBe(round);
    rmSync(at('logs'), { recursive: true });
  }
});

test('says in the environment’s log what could not be written, and goes on with the rest', async () => {
  writeFileSync(at('file'), '');
  writer.append({ file: at('file', 'a.log'), text: 'lost' });
  writer.append({ file: at('b.log'), text: 'kept' });
  await writer.flushed();
  expect(lines.join('')).toMatch(/"level":"error".*"a task log could not be written".*a\.log.*(ENOTDIR|EEXIST)/);
  expect(readFileSync(at('b.log'), 'utf8')).toBe('kept');
});

test('is behind when much waits for the disk, and tells when it is not any more', async () => {
  expect(writer.isBehind).toBe(false);
  writer.append({ file: at('a.log'), text: 'x'.repeat(5 * 1_048_576) });
  expect(writer.isBehind).toBe(true);
  await new Promise<void>((resolve) => {
    writer.whenDrained(resolve);
  });
  expect(writer.isBehind).toBe(false);
});

function isWritten(file: string): boolean {
  try {
    return readFileSync(file, 'utf8') !== '';
  } catch {
    return false;
  }
}
