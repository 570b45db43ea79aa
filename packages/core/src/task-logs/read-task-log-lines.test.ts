import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { indexTaskLog } from './index-task-log.ts';
import { readTaskLogLines, type LinePart } from './read-task-log-lines.ts';
import { createLogFolder, logLine, logLines, type LogFolder } from './testing/log-file.ts';

let folder: LogFolder;
let file: string;

beforeEach(() => {
  folder = createLogFolder();
  ({ file } = folder);
});

afterEach(() => {
  folder[Symbol.dispose]();
});

const LIMITS = { lines: 1_000, bytes: 1_048_576 };
const read = async (from: number, to: number, limits = LIMITS): Promise<LinePart> =>
  readTaskLogLines(file, await indexTaskLog(file), { from, to }, limits);
const events = ({ lines }: LinePart): string[] => lines.map(({ record }) => record.event);

test('any lines of a long log are read, with their numbers', async () => {
  writeFileSync(file, logLines(50_000));
  for (const from of [1, 2, 999, 1_000, 24_681, 49_990]) {
    const part = await read(from, from + 4);
    expect(events(part)).toEqual([0, 1, 2, 3, 4].map((more) => `line ${from + more}`));
    expect(part.lines.map(({ line }) => line)).toEqual([0, 1, 2, 3, 4].map((more) => from + more));
    expect(part.nextLine).toBe(from + 5);
  }
});

test.each([
  ['before the beginning', [-5, 2], ['line 1', 'line 2'], 3],
  ['behind the end', [9, 20], ['line 9', 'line 10'], 11],
  ['wholly behind the end', [11, 20], [], 11],
  ['from a line to one before it', [5, 4], [], 5],
])('a range that lies %s gives what there is', async (_where, [from = 0, to = 0], expected, nextLine) => {
  writeFileSync(file, logLines(10));
  const part = await read(from, to);
  expect({ events: events(part), nextLine: part.nextLine }).toEqual({ events: expected, nextLine });
});

test('an answer has so many lines and bytes and no more, but one line always', async () => {
  writeFileSync(file, logLines(10));
  expect(await read(1, 10, { lines: 3, bytes: 1_000_000 })).toMatchObject({ lines: { length: 3 }, nextLine: 4 });
  expect(await read(4, 10, { lines: 1_000, bytes: 1 })).toMatchObject({ lines: { length: 1 }, nextLine: 5 });
});

test('a line says who wrote it and which group it is in, wherever reading begins', async () => {
  writeFileSync(
    file,
    [
      logLine('::group::Outer'),
      logLine('a'),
      logLine('::group::Inner'),
      logLine('b', { logger: 'task.stderr' }),
      logLine('::endgroup::'),
      logLine('c', { logger: 'task' }),
      logLine('::endgroup::'),
      logLine('d', { logger: 'supervisor' }),
    ].join(''),
  );
  const { lines } = await read(4, 8);
  expect(lines.map(({ source, group }) => [source, group])).toEqual([
    ['stderr', 'Inner'],
    ['stdout', 'Inner'],
    ['task', 'Outer'],
    ['stdout', 'Outer'],
    ['system', null],
  ]);
});

test('a line without end is cut, and the lines behind it keep their numbers', async () => {
  writeFileSync(file, `${'x'.repeat(3_000_000)}\n${logLine('after')}`);
  expect(await read(2, 2)).toMatchObject({ lines: [{ line: 2, record: { event: 'after' } }] });
  const [first] = (await read(1, 1)).lines;
  expect(first?.record.event.length).toBeLessThan(1_048_577);
});
