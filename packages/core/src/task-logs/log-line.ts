import { LOG_LEVELS, type LogLevel, type LogRecord } from '@tradewind/protocol';

/** Who wrote a line: the author's prints, the author's structured log, or the environment about the try. */
export const LOG_SOURCES = ['stdout', 'stderr', 'task', 'system'] as const;
/** Who wrote a line of a task's log. */
export type LogSource = (typeof LOG_SOURCES)[number];

/** A line of a task's log, as its readers give it. */
export interface LogLine {
  /** 1-based place in the file. */
  readonly line: number;
  readonly source: LogSource;
  /** Name of the innermost group that the line is in. */
  readonly group: string | null;
  readonly record: LogRecord;
}

/** What is counted and filtered by. */
export interface LineFacts {
  readonly level: LogLevel;
  readonly source: LogSource;
  /** The text of a line that begins or ends a group. */
  readonly marker: string | undefined;
}

/** Begins a group, with its name behind it; everything up to the matching end belongs to it, and groups may stand in groups (Airflow's markers). */
export const GROUP_START = '::group::';
/** Ends the group that began last. */
const GROUP_END = '::endgroup::';

/** A line of ours is a record; whatever else stands there is shown as the text that it is. */
export function parseLogLine(text: string): LogRecord {
  try {
    const value = JSON.parse(text) as Partial<LogRecord> | null;
    if (typeof value === 'object' && value !== null && typeof value.event === 'string') return value as LogRecord;
  } catch {
    // Not JSON: it is shown below.
  }
  return { event: text } as LogRecord;
}

/** How much a record matters; a level that is not ours counts as the nearest of ours. */
export function levelOf({ level }: Partial<LogRecord>): LogLevel {
  const known = LOG_LEVELS.find((each) => each === level);
  if (known !== undefined) return known;
  return (level as string | undefined) === 'critical' ? 'error' : 'info';
}

/** Who wrote a record; text that is no record was printed by something. */
export function sourceOf({ logger }: Partial<LogRecord>): LogSource {
  switch (logger) {
    case 'task.stdout':
    case undefined:
      return 'stdout';
    case 'task.stderr':
      return 'stderr';
    case 'supervisor':
      return 'system';
    default:
      return 'task';
  }
}

/** Whether a level is at least another one. */
export function isLevelAtLeast(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}

/** How every record begins that has no fields of the author, up to its level: `{"timestamp":"2026-11-21T12:00:00.000Z","level":"`. */
const BEFORE_TIMESTAMP = '{"timestamp":"';
const BEFORE_LEVEL = '","level":"';
const BEFORE_EVENT = '","event":"';
const LEVEL_AT = BEFORE_TIMESTAMP.length + 24 + BEFORE_LEVEL.length;
/** And how it ends, for each source. A quotation mark inside of a value is escaped, so the text of an event cannot pass for this. */
const ENDINGS: readonly (readonly [string, LogSource])[] = [
  ['","logger":"task.stdout"}', 'stdout'],
  ['","logger":"task"}', 'task'],
  ['","logger":"task.stderr"}', 'stderr'],
  ['","logger":"supervisor"}', 'system'],
];

/**
 * Reads level and source of the line at `start` of a text that holds many. Nearly every line has the form that our writers give it and is not parsed: that is
 * what makes a million lines a matter of a second.
 */
export function readLineFacts(text: string, start: number, end: number): LineFacts {
  const level = quickLevel(text, start);
  const source = level === undefined ? undefined : ENDINGS.find(([ending]) => text.startsWith(ending, end - ending.length))?.[1];
  if (level === undefined || source === undefined) return parsedFacts(text.slice(start, end));
  const isMarker = text.startsWith('::', start + LEVEL_AT + level.length + BEFORE_EVENT.length);
  return isMarker ? parsedFacts(text.slice(start, end)) : { level, source, marker: undefined };
}

function quickLevel(text: string, start: number): LogLevel | undefined {
  if (!text.startsWith(BEFORE_TIMESTAMP, start) || !text.startsWith(BEFORE_LEVEL, start + LEVEL_AT - BEFORE_LEVEL.length)) return undefined;
  const levelAt = start + LEVEL_AT;
  return LOG_LEVELS.find((level) => text.startsWith(level, levelAt) && text.startsWith(BEFORE_EVENT, levelAt + level.length));
}

function parsedFacts(line: string): LineFacts {
  const record = parseLogLine(line);
  const isMarker = record.event.startsWith(GROUP_START) || record.event.trimEnd() === GROUP_END;
  return { level: levelOf(record), source: sourceOf(record), marker: isMarker ? record.event : undefined };
}
