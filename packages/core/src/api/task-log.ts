import { isDagId, isRunId, isTaskId, type LogRecord } from '@tradewind/protocol';
import type { Clock } from '../platform/clock.ts';
import { taskLogFile } from '../platform/task-log-file.ts';
import type { TaskInstanceName } from '../store/reads/task-instances.ts';
import { openIfPresent, readLineSegments } from '../task-logs/line-segments.ts';
import { parseLogLine } from '../task-logs/log-line.ts';
import { writeQuietLog, type StoredTry } from '../task-logs/write-quiet-log.ts';

/** A part of a try's log. */
export interface TaskLogPart {
  readonly records: readonly LogRecord[];
  /** Where the next part begins, in bytes. */
  readonly nextOffset: number;
  /** Whether the part reaches the end of what is written so far. */
  readonly isAtEnd: boolean;
}

/**
 * The file in which the log of a try is kept, or undefined where the ids cannot be those of a task: nothing is kept under such names, and they do not
 * reach the file system.
 */
export function findTaskLogFile(logsFolder: string, name: TaskInstanceName, tryNumber: number): string | undefined {
  if (!isDagId(name.dagId) || !isRunId(name.runId) || !isTaskId(name.taskId)) return undefined;
  return taskLogFile(logsFolder, { ...name, tryNumber });
}

/**
 * The file with the log of a try, which is written now where the executor had nothing to write; undefined where the ids cannot be those of a task.
 */
export async function openTaskLog(
  { logsFolder, clock }: { readonly logsFolder: string; readonly clock: Clock },
  name: TaskInstanceName,
  tried: StoredTry,
): Promise<string | undefined> {
  const file = findTaskLogFile(logsFolder, name, tried.tryNumber);
  if (file !== undefined) await writeQuietLog(file, tried, clock);
  return file;
}

/**
 * Reads a part of a log from an offset on: whole lines until about `mostBytes` are read. A file that does not exist is an empty log.
 */
export async function readTaskLogPart(file: string, offset: number, mostBytes: number): Promise<TaskLogPart> {
  const records: LogRecord[] = [];
  let nextOffset = offset;
  for await (const line of readLines(file, offset)) {
    if (nextOffset - offset >= mostBytes) return { records, nextOffset, isAtEnd: false };
    if (line.text.trim() !== '') records.push(parseLogLine(line.text));
    nextOffset = line.endOffset;
  }
  return { records, nextOffset, isAtEnd: true };
}

/** Reads a log from an offset to the end of what is written so far, record by record, however long it is. */
export async function* streamTaskLog(file: string, offset: number): AsyncGenerator<LogRecord> {
  for await (const line of readLines(file, offset)) if (line.text.trim() !== '') yield parseLogLine(line.text);
}

/** The end of a log. */
export interface TaskLogTail {
  readonly records: readonly LogRecord[];
  /** Whether there is more before it. */
  readonly isCut: boolean;
}

/** The end of a log: whole lines of its last `mostBytes`. For a page that shows how a try ended. */
export async function readTaskLogTail(file: string, mostBytes: number): Promise<TaskLogTail> {
  const start = Math.max(0, (await sizeOf(file)) - mostBytes);
  const records: LogRecord[] = [];
  // What begins in the middle of the file begins, as a rule, in the middle of a line.
  let isRestOfLine = start > 0;
  for await (const line of readLines(file, start)) {
    if (!isRestOfLine && line.text.trim() !== '') records.push(parseLogLine(line.text));
    isRestOfLine = false;
  }
  return { records, isCut: start > 0 };
}

interface Line {
  readonly text: string;
  /** Of the byte after the line break. */
  readonly endOffset: number;
}

/** The complete lines after an offset; one that is still being written is left for the next time. */
async function* readLines(file: string, offset: number): AsyncGenerator<Line> {
  const handle = await openIfPresent(file);
  if (handle === undefined) return;
  try {
    for await (const segment of readLineSegments(handle, offset)) {
      const { bytes } = segment;
      for (let start = 0; start < bytes.length;) {
        const end = bytes.indexOf(0x0a, start);
        const isLast = end === bytes.length - 1;
        yield { text: bytes.toString('utf8', start, end), endOffset: isLast ? segment.endOffset : segment.offset + end + 1 };
        start = end + 1;
      }
    }
  } finally {
    await handle.close();
  }
}

async function sizeOf(file: string): Promise<number> {
  const handle = await openIfPresent(file);
  if (handle === undefined) return 0;
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
