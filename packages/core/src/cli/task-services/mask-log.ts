import type { Masker } from '../../model/masking/masker.ts';
import type { Log, LogFields } from '../../platform/log.ts';

/** The same log, without secrets in what it is told. */
export function maskLog(log: Log, masker: Masker): Log {
  const masked =
    (level: 'debug' | 'info' | 'warning' | 'error') =>
    (event: string, fields?: LogFields): void => {
      log[level](masker.mask(event), fields === undefined ? undefined : maskFields(fields, masker));
    };
  return {
    debug: masked('debug'),
    info: masked('info'),
    warning: masked('warning'),
    error: masked('error'),
    named: (name) => maskLog(log.named(name), masker),
  };
}

function maskFields(fields: LogFields, masker: Masker): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, masker.maskValue(plain(value), name)]));
}

/** Errors have no properties of their own that `Object.entries` finds. */
function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return {
    name: value.name,
    message: value.message,
    stack: value.stack,
    ...(value.cause === undefined ? {} : { cause: plain(value.cause) }),
  };
}
