import { inspect } from 'node:util';
import {
  MAX_LOG_LINE_BYTES,
  RECORD_SEPARATOR,
  type Attempt,
  type LogLevel,
  type LogRecord,
  type OutputEndRecord,
} from '@tradewind/protocol';
import type { LogFields, TaskLog } from '../authoring/task-context.ts';
import { writeFully } from './control-channel.ts';

const STDOUT_FD = 1;
const STDERR_FD = 2;

/** The `context.log` of a try: structured records on standard output, in order with what the author prints there. */
export const taskLog: TaskLog = {
  debug: (event, fields) => writeLogRecord('debug', event, fields),
  info: (event, fields) => writeLogRecord('info', event, fields),
  warning: (event, fields) => writeLogRecord('warning', event, fields),
  error: (event, fields) => writeLogRecord('error', event, fields),
};

/**
 * Marks on both streams that a try's output ends here.
 * @returns false where a stream is closed, so that output could no longer be told apart
 */
export function endOutput(attempt: Attempt): boolean {
  const record: OutputEndRecord = { outputEndOf: attempt };
  return [STDOUT_FD, STDERR_FD].every((fd) => writeRecord(fd, JSON.stringify(record)));
}

function writeLogRecord(level: LogLevel, event: unknown, fields: LogFields = {}): void {
  // Callers without types pass anything.
  const text = typeof event === 'string' ? event : inspect(event);
  const record: LogRecord = { ...fields, timestamp: new Date().toISOString(), level, event: text, logger: 'task' };
  writeRecord(STDOUT_FD, asLine(record));
}

/** Log lines must not fail a task: whatever JSON cannot carry is written as text, and a record that is too long loses its fields. */
function asLine(record: LogRecord): string {
  const json = asJson(record);
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_LOG_LINE_BYTES) return json;
  const { timestamp, level, event, logger } = record;
  const cutEvent = event.slice(0, MAX_LOG_LINE_BYTES / 8).toWellFormed();
  return JSON.stringify({
    timestamp,
    level,
    event: cutEvent,
    logger,
    truncated: `the record had ${bytes} bytes; at most ${MAX_LOG_LINE_BYTES} are kept`,
  });
}

function asJson(record: LogRecord): string {
  try {
    return JSON.stringify(record, plainValue);
  } catch {
    return JSON.stringify(Object.fromEntries(Object.entries(record).map(([name, value]) => [name, plainOrText(value)])));
  }
}

function plainValue(_name: string, value: unknown): unknown {
  if (Error.isError(value)) return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return String(value);
  if (value instanceof Map || value instanceof Set) return inspect(value);
  return value;
}

/** For records with a cycle or a getter that throws, field by field. */
function plainOrText(value: unknown): unknown {
  try {
    return typeof value === 'string' ? value : (JSON.parse(JSON.stringify(value, plainValue) ?? 'null') as unknown);
  } catch {
    return inspect(value, { depth: 2 });
  }
}

function writeRecord(fd: number, json: string): boolean {
  try {
    writeFully(fd, Buffer.from(`\n${RECORD_SEPARATOR}${json}\n`));
    return true;
  } catch {
    // The supervisor is gone, or the author closed the stream: there is nobody to tell.
    return false;
  }
}
