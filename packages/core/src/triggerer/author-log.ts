import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { LogRecord } from '@tradewind/protocol';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { taskLogFile, type TaskLogKey } from '../platform/task-log-file.ts';

/** What a log keeps of one trigger, or of one call; what is beyond is dropped, which its last line says. */
const MAX_LOG_BYTES = 10 * 1_048_576;

/** The log of a trigger: beside that of the try that was deferred. */
export function triggerLogFile(logsFolder: string, key: TaskLogKey): string {
  return taskLogFile(logsFolder, key).replace(/\.log$/, '.trigger.log');
}

/** The log of callbacks of a try, beside the try's own, or of a run, in the run's folder. */
export function callbackLogFile(logsFolder: string, key: Omit<TaskLogKey, 'taskId'> & { readonly taskId: string | null }): string {
  if (key.taskId !== null) return taskLogFile(logsFolder, { ...key, taskId: key.taskId }).replace(/\.log$/, '.callbacks.log');
  const beside = taskLogFile(logsFolder, { ...key, taskId: 'none', mapIndex: -1 });
  return path.join(path.dirname(path.dirname(beside)), 'callbacks.log');
}

/** Appends records to log files, in order for each file. Problems go to the environment's log; nothing waits for the disk. */
export class AuthorLog {
  readonly #log: Log;
  readonly #mask: (record: LogRecord) => LogRecord;
  readonly #pending = new Map<string, string>();
  #writing: Promise<void> | undefined;

  /** @param mask takes secrets out of a record; without one nothing is taken out */
  constructor(log: Log, mask?: (record: LogRecord) => LogRecord) {
    this.#log = log;
    this.#mask = mask ?? ((record) => record);
  }

  /** Returns the way to append to a file, which keeps only so much of what one trigger, or one call, has to say. */
  open(file: string): (record: LogRecord) => void {
    let bytes = 0;
    return (record) => {
      if (bytes >= MAX_LOG_BYTES) return;
      const line = JSON.stringify(this.#mask(record));
      bytes += line.length;
      this.#add(file, line);
      if (bytes >= MAX_LOG_BYTES) this.#add(file, JSON.stringify(fullRecord(record)));
    };
  }

  /** Resolves when everything that was appended is on disk. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #add(file: string, line: string): void {
    this.#pending.set(file, `${this.#pending.get(file) ?? ''}${line}\n`);
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    while (this.#pending.size > 0) {
      const parts = [...this.#pending];
      this.#pending.clear();
      for (const [file, text] of parts) {
        try {
          await mkdir(path.dirname(file), { recursive: true });
          await appendFile(file, text);
        } catch (error) {
          this.#log.error('the log of a trigger or callback could not be written', { file, problem: messageOf(error) });
        }
      }
    }
    this.#writing = undefined;
  }
}

function fullRecord({ timestamp, logger }: LogRecord): LogRecord {
  return { timestamp, level: 'warning', event: `the log is full: it keeps ${MAX_LOG_BYTES} bytes`, logger };
}
