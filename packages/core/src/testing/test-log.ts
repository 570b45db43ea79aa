import { LOG_LEVELS, type LogLevel } from '@tradewind/protocol';
import type { LogFields, TaskLog } from '@tradewind/sdk';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';

/** Something that was said in a test environment, by the author's code or by the environment itself. */
export interface LoggedEntry {
  readonly at: Temporal.Instant;
  /** `task`, `callback`, or the part of the environment. */
  readonly logger: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** What a test environment keeps of what is said in it. */
export interface TestLog {
  readonly entries: readonly LoggedEntry[];
  /** A log for the author's code. `facts` are among the fields of each of its entries. */
  ofCode(logger: string, facts: LogFields): TaskLog;
  /** The log of the environment itself, of which warnings are kept. What is an error there is nothing that a dag can be blamed for. */
  readonly ofEnvironment: Log;
}

/** @param onError hears what went wrong in the environment itself */
export function createTestLog(clock: Clock, onError: (problem: unknown) => void): TestLog {
  const entries: LoggedEntry[] = [];
  const add = (logger: string, level: LogLevel, event: string, fields: LogFields): void => {
    entries.push({ at: Temporal.Instant.fromEpochMilliseconds(clock.now()), logger, level, event, fields });
  };
  const environment = (logger: string): Log => ({
    debug() {},
    info() {},
    warning: (event, fields = {}) => add(logger, 'warning', event, fields),
    error(event, fields = {}) {
      add(logger, 'error', event, fields);
      onError(fields['error'] ?? fields['reason'] ?? event);
    },
    named: environment,
  });
  return {
    entries,
    ofCode: (logger, facts) =>
      Object.fromEntries(
        LOG_LEVELS.map((level) => [level, (event: string, fields: LogFields = {}) => add(logger, level, event, { ...facts, ...fields })]),
      ) as unknown as TaskLog,
    ofEnvironment: environment('environment'),
  };
}
