import { LOG_LEVELS, type LogLevel, type LogRecord } from '@tradewind/protocol';
import { noteRecord, type Note } from '../../platform/attempt-notes.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { LogWriter } from './log-writer.ts';

/** What the log of one try may have; what a task prints beyond is counted and not kept. */
export const MAX_TASK_LOG_BYTES = 50 * 1_048_576;

/** Where a line came from. */
export type TaskStream = 'stdout' | 'stderr';

/** Airflow's levels for what a task prints. */
const STREAM_LEVELS: Readonly<Record<TaskStream, LogLevel>> = { stdout: 'info', stderr: 'error' };

/** What a task log works with. */
export interface TaskLogParts {
  readonly writer: LogWriter;
  readonly clock: Clock;
  /** Also makes the files of tries that print nothing and succeed. @default false */
  readonly writesQuietLogs?: boolean | undefined;
}

/** A try that takes longer shows that it has begun. */
const HOLD_MS = 1_000;

/** The log file of one try: JSON lines (protocol's LogRecord), appended to what an earlier attempt at the same try may have left. */
export class TaskLog {
  readonly file: string;
  readonly #writer: LogWriter;
  readonly #clock: Clock;
  readonly #holdMs: number;
  /** The first note, until there is a second one. */
  #kept = '';
  #keptTimer: Timer | undefined;
  #bytes = 0;
  #droppedBytes = 0;
  /** What came in this turn of the event loop: the writer gets it at once and not line by line. */
  #pending = '';
  /** Lines come in bursts, and making the text of a time is what costs most about a line. */
  #stampedAt = Number.NaN;
  #stamp = '';

  constructor(file: string, { writer, clock, writesQuietLogs = false }: TaskLogParts) {
    this.file = file;
    this.#writer = writer;
    this.#clock = clock;
    this.#holdMs = writesQuietLogs ? 0 : HOLD_MS;
  }

  /** Nothing more of the task's output is kept. */
  get isFull(): boolean {
    return this.#bytes >= MAX_TASK_LOG_BYTES;
  }

  /** A line that the task printed. */
  print(stream: TaskStream, text: string, cutBytes: number): void {
    const event = JSON.stringify(cutBytes === 0 ? text : `${text}… truncated ${cutBytes} bytes`);
    // By hand: a task may print a million lines, and the other parts never need escaping.
    this.#append(`{"timestamp":"${this.#timestamp()}","level":"${STREAM_LEVELS[stream]}","event":${event},"logger":"task.${stream}"}\n`);
  }

  /** A record that the task's process wrote; false where it is none. */
  record(candidate: unknown): boolean {
    if (!isLogRecord(candidate)) return false;
    this.#append(`${JSON.stringify(candidate)}\n`);
    return true;
  }

  /** What the supervisor has to say about the try; always kept. */
  note(level: LogLevel, note: Note): void {
    this.#collect(this.#noteLine(level, note));
  }

  /** The first note. It is kept back for a second, because a try that then has succeeded without a word needs no file. */
  begin(note: Note): void {
    this.#kept = this.#noteLine('info', note);
    if (this.#holdMs === 0) this.#tellKept();
    else this.#keptTimer = this.#clock.setTimer(this.#holdMs, () => this.#tellKept());
  }

  /** Output that was passed over because the log is full. */
  drop(bytes: number): void {
    this.#droppedBytes += bytes;
  }

  /** The output has ended: says how much of it was dropped, if any was, then how the try ended, and has all of it written. With `isPlain` there is nothing to say of the end alone. */
  close(noteEnd: (log: TaskLog) => void, isPlain = false): void {
    if (isPlain && this.#kept !== '') {
      this.#forgetKept();
      return;
    }
    if (this.#droppedBytes > 0) {
      this.note('warning', {
        event: `${this.#droppedBytes} bytes of output were dropped: the log of one try keeps ${MAX_TASK_LOG_BYTES} bytes`,
      });
    }
    noteEnd(this);
    this.#handOver();
    this.#writer.post();
  }

  #append(line: string): void {
    if (this.isFull) {
      this.#droppedBytes += line.length;
      return;
    }
    // Bytes are counted when all lines of the turn are there; until then a character counts as one.
    this.#bytes += line.length;
    this.#collect(line);
  }

  #collect(line: string): void {
    if (this.#pending === '') queueMicrotask(() => this.#handOver());
    this.#pending += this.#kept + line;
    if (this.#kept !== '') this.#forgetKept();
  }

  #tellKept(): void {
    const line = this.#kept;
    this.#forgetKept();
    this.#collect(line);
  }

  #forgetKept(): void {
    this.#kept = '';
    this.#keptTimer?.cancel();
  }

  #noteLine(level: LogLevel, note: Note): string {
    return `${JSON.stringify(noteRecord(note, this.#timestamp(), level))}\n`;
  }

  #handOver(): void {
    const text = this.#pending;
    if (text === '') return;
    this.#pending = '';
    this.#bytes += Buffer.byteLength(text) - text.length;
    this.#writer.append({ file: this.file, text });
  }

  #timestamp(): string {
    const now = this.#clock.now();
    if (now !== this.#stampedAt) this.#stamp = new Date(now).toISOString();
    this.#stampedAt = now;
    return this.#stamp;
  }
}

function isLogRecord(candidate: unknown): candidate is LogRecord {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const { timestamp, level, event, logger } = candidate as Partial<LogRecord>;
  return (
    typeof timestamp === 'string' && typeof event === 'string' && typeof logger === 'string' && LOG_LEVELS.some((known) => known === level)
  );
}
