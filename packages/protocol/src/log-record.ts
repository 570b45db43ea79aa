import type { Attempt } from './execution.ts';

/** One line of a task's log file: JSON, Airflow's field names. */
export interface LogRecord {
  /** ISO 8601 instant. */
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly event: string;
  /** `task` for the author's structured log, `task.stdout`, `task.stderr`, or `supervisor`. */
  readonly logger: string;
  readonly [field: string]: unknown;
}

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;
/** How much a line matters. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Starts a line on a child's standard output or error that is a record and not text (the record separator of RFC 7464). The child writes a
 * line break before it, in case the author's last line has none yet; the reader takes that one line break away again.
 */
export const RECORD_SEPARATOR = '\u001E';

/** The record that a child writes on both streams when a try is over: what follows belongs to the next one. */
export interface OutputEndRecord {
  readonly outputEndOf: Attempt;
}

/** The longest line of a task's output that is kept; what is longer is cut, and the line says by how much. */
export const MAX_LOG_LINE_BYTES = 65_536;
