import { sleep, type Clock } from '../platform/clock.ts';
import { indexTaskLog } from './index-task-log.ts';
import type { LogLine } from './log-line.ts';
import { readTaskLogLines, type LinePart } from './read-task-log-lines.ts';
import type { TaskLogIndex } from './task-log-index.ts';

/** Whose log is followed, and how long. */
export interface FollowedTaskLog {
  readonly file: string;
  /** The first line that is told, 1-based. */
  readonly fromLine: number;
  /** Whether the try has ended, so that nothing more is written. Asked again and again. */
  readonly isEnded: () => Promise<boolean>;
  readonly clock: Clock;
  /** Ends the following early. */
  readonly signal: AbortSignal;
}

/**
 * How often the file is looked at. It is written by another thread, and for other executors on another machine: nothing else tells of it everywhere.
 */
const POLL_MS = 100;
/** And how often the try is asked for, unless the log itself says that it has ended. */
const POLLS_PER_QUESTION = 10;
const PART = { lines: 1_000, bytes: 1_048_576 };

/** Tells a log line by line while it is written, until the try has ended and all of it was told. */
export async function* followTaskLog({ file, fromLine, isEnded, clock, signal }: FollowedTaskLog): AsyncGenerator<readonly LogLine[]> {
  let index: TaskLogIndex | undefined;
  let next = Math.max(1, fromLine);
  let hasEnded = false;
  let hasLastWord = false;
  for (let poll = 0; !signal.aborted; poll += 1) {
    index = await indexTaskLog(file, index);
    while (next <= index.lines && !signal.aborted) {
      const { lines, nextLine }: LinePart = await readTaskLogLines(file, index, { from: next, to: index.lines }, PART);
      const last = lines.at(-1);
      // The file was taken away since.
      if (last === undefined) break;
      next = nextLine;
      hasLastWord = isLastWord(last);
      yield lines;
    }
    // Asked before the last reading, so that nothing that was written until the end is missed.
    if (hasEnded) return;
    if (hasLastWord || poll % POLLS_PER_QUESTION === 0) hasEnded = await isEnded();
    // What a try wrote last may still be on its way to the file when its end is known.
    const isWhole = hasEnded && (hasLastWord || index.lines === 0);
    if (!isWhole) await sleep(clock, POLL_MS, signal);
  }
}

/** The supervisor's last word on an attempt; another attempt at the same try may follow. */
function isLastWord({ record, source }: LogLine): boolean {
  return source === 'system' && record.event === 'task ended';
}
