import { isLevelAtLeast, LOG_SOURCES, levelOf, parseLogLine, sourceOf, type LogLine, type LogSource } from './log-line.ts';
import { openIfPresent, readLineSegments } from './line-segments.ts';
import { groupAt } from './log-groups.ts';
import { findBlock, type TaskLogIndex } from './task-log-index.ts';

/** Lines from one to another, both included, 1-based. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

/** How much one answer holds. */
export interface LineLimits {
  readonly lines: number;
  /** Of the file. One line is always given, however long. */
  readonly bytes: number;
}

/** Some lines of a log, and where to go on. */
export interface LinePart {
  readonly lines: readonly LogLine[];
  /** The first line that is not in the part. */
  readonly nextLine: number;
}

/** Reads lines of a log by their numbers; those that the index does not know are not there. */
export async function readTaskLogLines(file: string, index: TaskLogIndex, range: LineRange, limits: LineLimits): Promise<LinePart> {
  const from = Math.max(1, range.from);
  const to = Math.min(range.to, index.lines, from + limits.lines - 1);
  const block = index.blocks[findBlock(index, from)];
  const handle = to < from || block === undefined ? undefined : await openIfPresent(file);
  if (handle === undefined || block === undefined) return { lines: [], nextLine: from };
  try {
    const lines: LogLine[] = [];
    let { line } = block;
    let bytes = 0;
    for await (const segment of readLineSegments(handle, block.offset, index.bytes)) {
      for (let start = 0; start < segment.bytes.length; line += 1) {
        const end = segment.bytes.indexOf(0x0a, start);
        if (line > to || (bytes >= limits.bytes && lines.length > 0)) return { lines, nextLine: line };
        if (line >= from) {
          lines.push(toLogLine(index, line, segment.bytes.toString('utf8', start, end)));
          bytes += end - start;
        }
        start = end + 1;
      }
    }
    return { lines, nextLine: line };
  } finally {
    await handle.close();
  }
}

/** A line of a file as readers are given it. */
export function toLogLine({ groups }: TaskLogIndex, line: number, text: string): LogLine {
  const record = parseLogLine(text);
  return { line, source: sourceOf(record), group: groupAt(groups.groups, line)?.name ?? null, record };
}

/** Whether a line is of at least a level and of one of the sources. */
export function isWanted({ record, source }: LogLine, { leastLevel = 'debug', sources = LOG_SOURCES }: LineFilter): boolean {
  return isLevelAtLeast(levelOf(record), leastLevel) && sources.includes(source);
}

/** Which lines are wanted. */
export interface LineFilter {
  /** @default 'debug' */
  readonly leastLevel?: LineLevel | undefined;
  /** @default all */
  readonly sources?: readonly LogSource[] | undefined;
}

type LineLevel = ReturnType<typeof levelOf>;
