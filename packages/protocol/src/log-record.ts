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

/** Starts a line on a child's standard output that is a structured record and not text (the record separator of RFC 7464). */
export const RECORD_SEPARATOR = '\u001E';
