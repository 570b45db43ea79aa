import type { FileHandle } from 'node:fs/promises';
import type { LogRecord } from '@tradewind/protocol';
import { indexTaskLog } from './index-task-log.ts';
import { openIfPresent, readLineSegments } from './line-segments.ts';
import { isLevelAtLeast, LOG_SOURCES, readLineFacts, type LogLine } from './log-line.ts';
import { toLogLine, type LineFilter } from './read-task-log-lines.ts';
import { findBlock, mayHold, type LogBlock, type TaskLogIndex } from './task-log-index.ts';

/** What is looked for in a log. */
export interface LogQuery extends LineFilter {
  /** In the message or in the name or value of a field, whatever the case of letters. */
  readonly text?: string | undefined;
  /** Source of a regular expression, for the same. */
  readonly pattern?: string | undefined;
  /** Where the search begins, 1-based. */
  readonly fromLine: number;
  /** How many lines are found at most. */
  readonly limit: number;
}

/** What a search found. */
export interface LogMatches {
  readonly lines: readonly LogLine[];
  /** Where to go on; null where the search came to the end of what is written. */
  readonly nextLine: number | null;
}

/**
 * Searches a log from a line on. Parts of it that have no line of the wanted level and source are not read.
 * @param isOver asked now and then; where it says yes the search ends with what it has found
 */
export async function searchTaskLog(file: string, query: LogQuery, isOver: () => boolean): Promise<LogMatches> {
  const index = await indexTaskLog(file);
  const handle = await openIfPresent(file);
  if (handle === undefined) return { lines: [], nextLine: null };
  try {
    if (query.fromLine > index.lines) return { lines: [], nextLine: null };
    const search = new LogSearch(index, query);
    for (let place = findBlock(index, query.fromLine); place < index.blocks.length; place += 1) {
      const block = index.blocks[place];
      if (block === undefined || !mayHold(block, search.leastLevel, search.sources)) continue;
      const nextLine = await searchBlock(search, handle, { block, end: index.blocks[place + 1]?.offset ?? index.bytes, isOver });
      if (nextLine !== undefined) return { lines: search.found, nextLine };
    }
    return { lines: search.found, nextLine: null };
  } finally {
    await handle.close();
  }
}

interface Stretch {
  readonly block: LogBlock;
  readonly end: number;
  readonly isOver: () => boolean;
}

/** @returns the line to go on at, where the search ended within the block */
async function searchBlock(search: LogSearch, handle: FileHandle, { block, end, isOver }: Stretch): Promise<number | undefined> {
  let { line } = block;
  for await (const segment of readLineSegments(handle, block.offset, end)) {
    line = search.add(segment.bytes.toString('utf8'), line);
    if (search.isFull) return search.nextLine;
    // Asked afterwards, so that every search gets somewhere.
    if (isOver()) return line;
  }
  return undefined;
}

class LogSearch {
  readonly found: LogLine[] = [];
  readonly leastLevel: NonNullable<LogQuery['leastLevel']>;
  readonly sources: NonNullable<LogQuery['sources']>;
  /** The line after the last one that was found. */
  nextLine: number;
  readonly #index: TaskLogIndex;
  readonly #query: LogQuery;
  readonly #needles: readonly string[];
  readonly #pattern: RegExp | undefined;

  constructor(index: TaskLogIndex, query: LogQuery) {
    this.#index = index;
    this.#query = query;
    this.leastLevel = query.leastLevel ?? 'debug';
    this.sources = query.sources ?? LOG_SOURCES;
    this.nextLine = query.fromLine;
    const text = query.text?.toLowerCase() ?? '';
    // As text stands in a line of ours, and as it stands in a line that is none.
    this.#needles = [...new Set([JSON.stringify(text).slice(1, -1), text])];
    this.#pattern = query.pattern === undefined ? undefined : new RegExp(query.pattern, 'u');
  }

  get isFull(): boolean {
    return this.found.length >= this.#query.limit;
  }

  /**
   * Searches some whole lines, of which the first is `line`.
   * @returns the number of the line after them
   */
  add(text: string, line: number): number {
    // The letters of a line may take another length in lower case, so lines are found in both texts side by side.
    const lower = this.#query.text === undefined ? undefined : text.toLowerCase();
    let current = line;
    let lowerStart = 0;
    for (let start = 0; start < text.length; current += 1) {
      if (this.isFull) return current;
      const skipped = lower === undefined ? 0 : this.#linesBeforeNeedle(lower, lowerStart);
      for (let count = 0; count < skipped && start < text.length; count += 1, current += 1) {
        start = text.indexOf('\n', start) + 1;
        lowerStart = (lower ?? '').indexOf('\n', lowerStart) + 1;
      }
      if (start >= text.length) return current;
      const end = text.indexOf('\n', start);
      if (current >= this.#query.fromLine) this.#look(text, { start, end }, current);
      start = end + 1;
      if (lower !== undefined) lowerStart = lower.indexOf('\n', lowerStart) + 1;
    }
    return current;
  }

  /** How many lines there are before the next one that has the text. */
  #linesBeforeNeedle(lower: string, from: number): number {
    const places = this.#needles.map((needle) => lower.indexOf(needle, from)).filter((place) => place >= 0);
    const place = places.length === 0 ? lower.length : Math.min(...places);
    let lines = 0;
    for (let at = lower.indexOf('\n', from); at >= 0 && at < place; at = lower.indexOf('\n', at + 1)) lines += 1;
    return lines;
  }

  #look(text: string, { start, end }: { readonly start: number; readonly end: number }, line: number): void {
    const { level, source } = readLineFacts(text, start, end);
    if (!isLevelAtLeast(level, this.leastLevel) || !this.sources.includes(source)) return;
    const candidate = toLogLine(this.#index, line, text.slice(start, end));
    if (!this.#matches(candidate.record)) return;
    this.found.push(candidate);
    this.nextLine = line + 1;
  }

  #matches(record: LogRecord): boolean {
    const { text } = this.#query;
    if (text === undefined && this.#pattern === undefined) return true;
    if (text !== undefined && !hasText(record, text)) return false;
    return this.#pattern === undefined || this.#pattern.test(searchedText(record));
  }
}

/** Whether a record has a text, as a search would find it. */
export function hasText(record: LogRecord, text: string): boolean {
  return searchedText(record).toLowerCase().includes(text.toLowerCase());
}

/** The message, and the names and values of what the author wrote beside it, each on lines of its own. */
function searchedText({ timestamp: _timestamp, level: _level, logger: _logger, event, ...fields }: LogRecord): string {
  const parts = Object.entries(fields).flatMap(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  return [event, ...parts].join('\n');
}

/** Says what is wrong with a regular expression; undefined where it is fine. */
export function findPatternProblem(pattern: string): string | undefined {
  try {
    void new RegExp(pattern, 'u');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
