import type { LogRecord } from '@tradewind/protocol';
import { readTaskLogPart } from '../../api/task-log.ts';
import { systemClock as clock, type Timer } from '../../platform/clock.ts';
import { taskLogFile } from '../../platform/task-log-file.ts';

/** The logs of a run, told record by record while they are written. */
export interface TaskLogs {
  /** Begins to tell what a try writes. */
  follow(taskId: string, tryNumber: number): void;
  /** Resolves when the whole log of a try was told; at once for one that is not followed. */
  whenComplete(taskId: string, tryNumber: number): Promise<void>;
  /** Tells what is written and was not told yet, and stops. */
  end(): Promise<void>;
}

/** Which run's logs, and who is told. */
export interface TaskLogsOptions {
  readonly logsFolder: string;
  readonly dagId: string;
  readonly runId: string;
  readonly onRecord: (taskId: string, record: LogRecord) => void;
}

/** Often enough to look like "at once". */
const POLL_MS = 30;
const PART_BYTES = 1_048_576;

interface FollowedLog {
  readonly taskId: string;
  readonly file: string;
  readonly complete: PromiseWithResolvers<void>;
  offset: number;
  isComplete: boolean;
}

/** Follows the logs of the tries of one run. */
export function followTaskLogs({ logsFolder, dagId, runId, onRecord }: TaskLogsOptions): TaskLogs {
  const logs = new Map<string, FollowedLog>();
  let timer: Timer | undefined;
  let reading: Promise<void> = Promise.resolve();

  const readAll = async (): Promise<void> => {
    for (const log of logs.values()) if (!log.isComplete) await readOn(log, onRecord);
  };
  const poll = (): void => {
    reading = reading.then(readAll);
    // What goes wrong is thrown by `end`, which waits for the same promise.
    reading.then(pollLater, () => {});
  };
  const pollLater = (): void => {
    timer = [...logs.values()].some(({ isComplete }) => !isComplete) ? clock.setTimer(POLL_MS, poll) : undefined;
  };

  return {
    follow(taskId, tryNumber) {
      const file = taskLogFile(logsFolder, { dagId, runId, taskId, mapIndex: -1, tryNumber });
      logs.set(keyOf(taskId, tryNumber), { taskId, file, complete: Promise.withResolvers(), offset: 0, isComplete: false });
      timer ??= clock.setTimer(0, poll);
    },
    async whenComplete(taskId, tryNumber) {
      await logs.get(keyOf(taskId, tryNumber))?.complete.promise;
    },
    async end() {
      timer?.cancel();
      await reading;
      timer?.cancel();
      await readAll();
      for (const { complete } of logs.values()) complete.resolve();
    },
  };
}

function keyOf(taskId: string, tryNumber: number): string {
  return `${taskId} ${tryNumber}`;
}

async function readOn(log: FollowedLog, onRecord: TaskLogsOptions['onRecord']): Promise<void> {
  for (;;) {
    const part = await readTaskLogPart(log.file, log.offset, PART_BYTES);
    log.offset = part.nextOffset;
    for (const record of part.records) {
      onRecord(log.taskId, record);
      // The supervisor's last word on a try closes its log.
      if (record.logger === 'supervisor' && record.event === 'task ended') log.isComplete = true;
    }
    if (log.isComplete) log.complete.resolve();
    if (part.isAtEnd) return;
  }
}
