import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { findPatternProblem, searchTaskLog, type LogQuery } from './search-task-log.ts';
import { LogSearches } from './search-thread.ts';
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

async function find(query: Partial<LogQuery>): Promise<{ found: number[]; nextLine: number | null }> {
  const { lines, nextLine } = await searchTaskLog(file, { fromLine: 1, limit: 100, ...query }, () => false);
  return { found: lines.map(({ line }) => line), nextLine };
}

const RECORDS = [
  logLine('Read the ORDERS'),
  logLine('nothing', { table: 'orders', logger: 'task' }),
  logLine('say "no" to\nİstanbul', { logger: 'task.stderr', level: 'error' }),
  'plain text "no" of somebody\n',
  logLine('level', { level: 'debug' }),
  logLine('stop', { level: 'warning', logger: 'supervisor', detail: 'Error: boom\n    at load (orders.ts:3)' }),
].join('');

describe('a search', () => {
  test.each<[string, Partial<LogQuery>, number[]]>([
    ['text in messages, fields and their names, whatever the case', { text: 'oRders' }, [1, 2, 6]],
    ['text with characters that JSON escapes, also where the line is no JSON', { text: '"no"' }, [3, 4]],
    ['text over the end of a line', { text: 'to\nİst' }, [3]],
    ['letters that change their length in lower case, and what stands behind them', { text: 'istanbul' }, []],
    ['nothing in what every record has', { text: 'timestamp' }, []],
    ['a level as a word of a message only', { text: 'level' }, [5]],
    ['a regular expression', { pattern: 'at \\w+ \\(orders\\.ts:\\d+\\)' }, [6]],
    ['text and expression together', { text: 'orders', pattern: '^Read' }, [1]],
    ['lines of at least a level', { leastLevel: 'warning' }, [3, 6]],
    ['lines of some sources', { sources: ['stderr', 'system'] }, [3, 6]],
    ['lines from one on', { text: 'orders', fromLine: 2 }, [2, 6]],
    ['every line where nothing is asked', {}, [1, 2, 3, 4, 5, 6]],
  ])('finds %s', async (_what, query, expected) => {
    writeFileSync(file, RECORDS);
    expect(await find(query)).toEqual({ found: expected, nextLine: null });
  });

  test('goes on where it ended, through all blocks of a log, and finds each line once', async () => {
    writeFileSync(file, logLines(40_000));
    const found: number[] = [];
    for (let fromLine: number | null = 1; fromLine !== null;) {
      const part = await find({ text: 'line 1234', fromLine, limit: 4 });
      found.push(...part.found);
      fromLine = part.nextLine;
    }
    expect(found).toEqual([1_234, ...Array.from({ length: 10 }, (_, digit) => 12_340 + digit)]);
  });

  test('that is over says where to go on and has looked at everything before', async () => {
    writeFileSync(file, logLines(40_000));
    let questions = 0;
    const part = await searchTaskLog(file, { fromLine: 1, limit: 100, text: 'line 39999' }, () => (questions += 1) > 2);
    expect(part.lines).toEqual([]);
    expect(part.nextLine).toBeGreaterThan(1);
    expect((await find({ text: 'line 39999', fromLine: part.nextLine ?? 0 })).found).toEqual([39_999]);
  });

  test('gets somewhere even where it is over at once', async () => {
    writeFileSync(file, logLines(40_000));
    let fromLine: number | null = 39_000;
    while (fromLine !== null) {
      const part = await searchTaskLog(file, { fromLine, limit: 100, text: 'nowhere' }, () => true);
      if (part.nextLine !== null) expect(part.nextLine).toBeGreaterThan(fromLine);
      fromLine = part.nextLine;
    }
  });

  test('of a log that does not exist finds nothing', async () => {
    expect(await find({ text: 'x' })).toEqual({ found: [], nextLine: null });
  });
});

describe('searches in a thread', () => {
  const searches = (): LogSearches => new LogSearches(systemClock);

  test('find what a search finds', async () => {
    writeFileSync(file, RECORDS);
    const { lines } = await searches().search(file, { fromLine: 1, limit: 1, pattern: 'to\nİ' });
    expect(lines).toMatchObject([{ line: 3, source: 'stderr', record: { level: 'error' } }]);
  });

  test('with an expression that takes for ever are ended, and the expression is named', async () => {
    writeFileSync(file, logLine(`${'a'.repeat(60)}!`));
    // The limit comes at once; a thread that is stuck does not answer before it.
    const impatient = new LogSearches({ ...systemClock, setTimer: (_delayMs, fire) => systemClock.setTimer(0, fire) });
    const stuck = impatient.search(file, { fromLine: 1, limit: 1, pattern: '^(a+)+$' });
    await expect(stuck).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('^(a+)+$') as string });
  });

  test('are so many at once and no more', async () => {
    writeFileSync(file, RECORDS);
    const several = searches();
    const query = { fromLine: 1, limit: 1 };
    const running = [1, 2, 3, 4].map(() => several.search(file, query));
    await expect(several.search(file, query)).rejects.toMatchObject({ code: 'rate_limited' });
    await Promise.all(running);
    expect((await several.search(file, query)).lines).toHaveLength(1);
  });
});

test('a regular expression that is none has a problem', () => {
  expect(findPatternProblem('a(b')).toMatch(/Unterminated group/);
  expect(findPatternProblem('a(b)')).toBeUndefined();
});
