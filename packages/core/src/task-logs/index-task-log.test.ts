import { appendFileSync, chmodSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { indexFileOf } from './index-file.ts';
import { indexTaskLog } from './index-task-log.ts';
import { MAX_GROUPS } from './log-groups.ts';
import { readTaskLogLines } from './read-task-log-lines.ts';
import { MAX_ERROR_LINES } from './task-log-index.ts';
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
const GROUPED = [
  logLine('begun', { logger: 'supervisor' }),
  logLine('::group::Install ü'),
  logLine('a'),
  logLine('::group::Deep', { logger: 'task', rows: 3 }),
  logLine('b'),
  logLine('::endgroup::'),
  logLine('c'),
  logLine('::endgroup::'),
  logLine('::endgroup::'),
  logLine('failed', { level: 'error', logger: 'task.stderr' }),
  logLine('::group::Left open'),
  logLine('d', { level: 'warning', logger: 'task' }),
].join('');

describe('an index', () => {
  test('counts lines, levels and sources, and names lines of errors and groups', async () => {
    writeFileSync(file, GROUPED);
    expect(await indexTaskLog(file)).toMatchObject({
      bytes: Buffer.byteLength(GROUPED),
      lines: 12,
      levels: { debug: 0, info: 10, warning: 1, error: 1 },
      sources: { stdout: 8, stderr: 1, task: 2, system: 1 },
      errorLines: [10],
      groups: {
        groups: [
          { name: 'Install ü', from: 2, to: 8, parent: null },
          { name: 'Deep', from: 4, to: 6, parent: 0 },
          { name: 'Left open', from: 11, to: null, parent: null },
        ],
      },
    });
  });

  test('takes what stands between quotation marks for text and never for a level, a source or a marker', async () => {
    const trap = '","level":"error","event":"::group::x","logger":"task.stderr"}';
    writeFileSync(
      file,
      logLine(trap) + logLine('x', { level: 'debug', logger: 'task', timestamped: '2026-11-21T12:00:00.000Z","level":"error' }),
    );
    const { levels, sources, groups } = await indexTaskLog(file);
    expect({ levels, sources, groups: groups.groups }).toEqual({
      levels: { debug: 1, info: 1, warning: 0, error: 0 },
      sources: { stdout: 1, stderr: 0, task: 1, system: 0 },
      groups: [],
    });
  });

  test('counts lines that are no records, whatever they are', async () => {
    writeFileSync(
      file,
      `plain\n\n{broken\n${logLine('x', { level: 'critical', logger: 'library' })}${'y'.repeat(3_000_000)}\n::group::G\nin it\n`,
    );
    const index = await indexTaskLog(file);
    expect(index).toMatchObject({ lines: 7, levels: { info: 6, error: 1 }, sources: { stdout: 6, task: 1 } });
    expect(index.groups.groups).toEqual([{ name: 'G', from: 6, to: null, parent: null }]);
  });

  test('of a log that does not exist has no lines', async () => {
    expect(await indexTaskLog(file)).toMatchObject({ lines: 0, bytes: 0 });
    expect(existsSync(indexFileOf(file))).toBe(false);
  });

  test('leaves a line that is still being written for the next time', async () => {
    writeFileSync(file, `${logLine('one')}{"event":"ha`);
    const first = await indexTaskLog(file);
    expect(first.lines).toBe(1);
    appendFileSync(file, 'lf"}\n');
    expect(await indexTaskLog(file, first)).toMatchObject({ lines: 2, bytes: Buffer.byteLength(logLine('one')) + 17 });
  });

  test('that goes on from an earlier one is the same as one that was made at once, wherever the log was cut', async () => {
    const content = Buffer.from(GROUPED + logLines(4_000) + GROUPED);
    for (const cut of [1, 150, 700, 200_000, content.length - 90]) {
      writeFileSync(file, content.subarray(0, cut));
      const earlier = await indexTaskLog(file);
      writeFileSync(file, content);
      const grown = await indexTaskLog(file, earlier);
      rmSync(indexFileOf(file), { force: true });
      const fresh = await indexTaskLog(file, { ...earlier, format: 1, bytes: 1, head: 'another', tail: 'another' });
      // Where its blocks begin depends on where reading stopped; what they say does not.
      const { blocks: _blocks, ...facts } = grown;
      const { blocks: _others, ...expected } = fresh;
      expect(facts).toEqual(expected);
    }
  });

  test('names so many errors and groups and no more, and counts all of them', async () => {
    const count = MAX_GROUPS + 10;
    writeFileSync(
      file,
      logLine('::group::g').repeat(count) + logLine('bad', { level: 'error' }).repeat(count) + logLine('::endgroup::').repeat(count),
    );
    const index = await indexTaskLog(file);
    expect(index.errorLines).toHaveLength(MAX_ERROR_LINES);
    expect(index.levels.error).toBe(count);
    expect(index.groups.groups.length).toBeLessThanOrEqual(MAX_GROUPS);
    expect(index.groups).toMatchObject({ open: [], excess: 0 });
  });
});

describe('the file of an index', () => {
  const LONG = logLines(10_000);

  /** Reads the last line, which is right only where the index is. */
  async function lastLine(): Promise<string | undefined> {
    const index = await indexTaskLog(file);
    const { lines } = await readTaskLogLines(file, index, { from: index.lines, to: index.lines }, LIMITS);
    return lines[0]?.record.event;
  }

  test('is written for a long log and spares the next reader the pass', async () => {
    writeFileSync(file, LONG);
    await indexTaskLog(file);
    const kept = JSON.parse(readFileSync(indexFileOf(file), 'utf8')) as { levels: Record<string, number> };
    // A count that the log does not have shows that it was taken from here.
    writeFileSync(indexFileOf(file), JSON.stringify({ ...kept, levels: { ...kept.levels, debug: 7 } }));
    expect((await indexTaskLog(file)).levels.debug).toBe(7);
  });

  test('is not written for a short one', async () => {
    writeFileSync(file, logLines(100));
    await indexTaskLog(file);
    expect(existsSync(indexFileOf(file))).toBe(false);
  });

  test('is followed by what was appended since', async () => {
    writeFileSync(file, LONG);
    await indexTaskLog(file);
    appendFileSync(file, logLine('appended'));
    expect(await lastLine()).toBe('appended');
  });

  test.each([
    ['is missing', () => rmSync(indexFileOf(file))],
    ['was cut', () => truncateSync(indexFileOf(file), 100)],
    ['is of another program', () => writeFileSync(indexFileOf(file), '{"format":2}')],
    ['is of a log that was longer', () => writeFileSync(file, logLines(9_000))],
    ['is of another log of the same length', () => writeFileSync(file, LONG.replaceAll('line', 'LINE'))],
    [
      'is of a log whose end was written anew',
      () => writeFileSync(file, `${LONG.slice(0, -2_000)}${LONG.slice(-2_000).replaceAll('stdout', 'stderr')}`),
    ],
  ])('is made again where it %s', async (_what, damage) => {
    writeFileSync(file, LONG);
    await indexTaskLog(file);
    damage();
    const index = await indexTaskLog(file);
    rmSync(indexFileOf(file), { force: true });
    expect(index).toEqual(await indexTaskLog(file));
    const { lines } = await readTaskLogLines(file, index, { from: index.lines, to: index.lines }, LIMITS);
    expect(`${JSON.stringify(lines[0]?.record)}\n`).toBe(readFileSync(file, 'utf8').split('\n').at(-2) + '\n');
    expect(index.lines).toBe(readFileSync(file, 'utf8').split('\n').length - 1);
  });

  test('that cannot be written is done without', async () => {
    writeFileSync(file, LONG);
    const logFolder = indexFileOf(file).slice(0, -'/attempt=1.log.idx'.length);
    chmodSync(logFolder, 0o500);
    try {
      expect(await lastLine()).toBe('line 10000');
    } finally {
      chmodSync(logFolder, 0o700);
    }
  });
});
