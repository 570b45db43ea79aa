/** Facts beside a log message; values that JSON cannot carry are written as text. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a process says what it does. The events are for operators; task logs go elsewhere. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warning(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log, naming another part of the program. */
  named(logger: string): Log;
}

const LEVELS = ['debug', 'info', 'warning', 'error'] as const;
type Level = (typeof LEVELS)[number];

/** How a log is written. */
export interface LogOptions {
  readonly level: Level;
  /** `json` for machines, `text` for people. */
  readonly format: 'json' | 'text';
  readonly write: (line: string) => void;
  readonly now: () => number;
}

/** A log that writes one line for each event. */
export function createLog(options: LogOptions, logger = 'tradewind'): Log {
  const at =
    (level: Level) =>
    (event: string, fields: LogFields = {}): void => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(options.level)) return;
      options.write(`${options.format === 'json' ? asJson(level, event, fields) : asText(level, event, fields)}\n`);
    };
  const timestamp = (): string => new Date(options.now()).toISOString();
  const asJson = (level: Level, event: string, fields: LogFields): string =>
    JSON.stringify({ timestamp: timestamp(), level, logger, event, ...fields }, plain);
  const asText = (level: Level, event: string, fields: LogFields): string => {
    const details = Object.entries(fields).map(
      ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value, plain)}`,
    );
    return `${timestamp()} ${level.padEnd(7)} ${logger}: ${event}${details.join('')}`;
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warning: at('warning'),
    error: at('error'),
    named: (name) => createLog(options, name),
  };
}

/** A log that keeps nothing. */
export const silentLog: Log = { debug() {}, info() {}, warning() {}, error() {}, named: () => silentLog };

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  return typeof value === 'bigint' ? String(value) : value;
}
