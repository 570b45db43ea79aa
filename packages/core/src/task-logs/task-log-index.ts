/**
 * The index of a task's log: where each part of it begins and what is in it, so that any lines of a log of any length are found by reading a hundred
 * kilobytes. It is built in one pass, goes on where it ended when the log has grown, and is kept beside the log (`attempt=N.log.idx`).
 *
 * It says nothing that the log does not: where it is missing, cut, of another program or of another log, it is made again (adr/0016).
 */
import { LOG_LEVELS, type LogLevel } from '@tradewind/protocol';
import type { GroupState } from './log-groups.ts';
import { isLevelAtLeast, LOG_SOURCES, type LogSource } from './log-line.ts';

/** Raised with every change to what an index holds or how a log is read: an index with another number is made again. */
export const INDEX_FORMAT = 1;

/** A stretch of a log. */
export interface LogBlock {
  /** Its first line, 1-based. */
  readonly line: number;
  readonly offset: number;
  /** A bit for each level, then one for each source, that a line of it has. */
  readonly contents: number;
}

/** What is known of a log up to an offset. */
export interface TaskLogIndex {
  readonly format: typeof INDEX_FORMAT;
  /** So many bytes of the log are indexed: whole lines. */
  readonly bytes: number;
  readonly lines: number;
  /** Hashes of the first and of the last bytes that are indexed, by which another log is known. */
  readonly head: string;
  readonly tail: string;
  readonly levels: Readonly<Record<LogLevel, number>>;
  readonly sources: Readonly<Record<LogSource, number>>;
  /** Lines of errors, the first `MAX_ERROR_LINES` of them; `levels` counts all. */
  readonly errorLines: readonly number[];
  readonly groups: GroupState;
  readonly blocks: readonly LogBlock[];
}

/** How many lines of errors an index names. */
export const MAX_ERROR_LINES = 10_000;

/** What is known of a log without lines. */
export const EMPTY_INDEX: TaskLogIndex = {
  format: INDEX_FORMAT,
  bytes: 0,
  lines: 0,
  head: '',
  tail: '',
  levels: { debug: 0, info: 0, warning: 0, error: 0 },
  sources: { stdout: 0, stderr: 0, task: 0, system: 0 },
  errorLines: [],
  groups: { groups: [], open: [], excess: 0 },
  blocks: [],
};

/** The place in `blocks` of the block that a line is in; the last one for a line that is not there yet. */
export function findBlock({ blocks }: TaskLogIndex, line: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((blocks[middle]?.line ?? 0) <= line) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** Whether a block may have a line of at least the level and of one of the sources. */
export function mayHold({ contents }: LogBlock, leastLevel: LogLevel, sources: readonly LogSource[]): boolean {
  const levels = LOG_LEVELS.filter((level) => isLevelAtLeast(level, leastLevel));
  return levels.some((level) => (contents & levelBit(level)) !== 0) && sources.some((source) => (contents & sourceBit(source)) !== 0);
}

/** The bit that a block has for a level. */
export function levelBit(level: LogLevel): number {
  return 1 << LOG_LEVELS.indexOf(level);
}

/** The bit that a block has for a source. */
export function sourceBit(source: LogSource): number {
  return 1 << (LOG_LEVELS.length + LOG_SOURCES.indexOf(source));
}
