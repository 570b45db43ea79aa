import { inspect } from 'node:util';
import { MAX_LOG_LINE_BYTES, type LogLevel, type LogRecord } from '@tradewind/protocol';
import type { LogFields, TaskLog } from '../authoring/task-context.ts';

/** Longest text of a record that is sent; beyond it nobody reads. */
const MAX_EVENT_LENGTH = MAX_LOG_LINE_BYTES / 8;

/**
 * A log whose records travel as messages: for children that run the code of many at the same time, whose standard output could not be told apart. Never throws.
 * @param logger `trigger` or `callback`
 */
export function createMessageLog(logger: string, send: (record: LogRecord) => void): TaskLog {
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      // Callers without types pass anything.
      const text = (typeof event === 'string' ? event : inspect(event)).slice(0, MAX_EVENT_LENGTH).toWellFormed();
      send({ ...plainFields(fields), timestamp: new Date().toISOString(), level, event: text, logger });
    };
  return { debug: at('debug'), info: at('info'), warning: at('warning'), error: at('error') };
}

/** The fields as JSON carries them; what it cannot carry is text, and fields that are too long together are left out, which the record says. */
function plainFields(fields: LogFields): LogFields {
  try {
    const json = JSON.stringify(fields, plainValue);
    if (json.length > MAX_LOG_LINE_BYTES)
      return { truncated: `the fields had ${json.length} characters; at most ${MAX_LOG_LINE_BYTES} are kept` };
    return JSON.parse(json) as LogFields;
  } catch {
    return { fields: inspect(fields, { depth: 2 }).slice(0, MAX_EVENT_LENGTH) };
  }
}

function plainValue(_name: string, value: unknown): unknown {
  if (Error.isError(value)) return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return String(value);
  if (value instanceof Map || value instanceof Set) return inspect(value);
  return value;
}
