import { TradewindError, type ErrorCode } from '../platform/errors.ts';

/** What `tradewind` ends with, so that scripts can tell why. The numbers never change. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, authentication: 4, conflict: 5, timeout: 6, interrupted: 130 } as const;
/** One of the codes that `tradewind` ends with. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_OF_CODE: Readonly<Record<ErrorCode, ExitCode>> = {
  already_exists: EXIT.conflict,
  bad_configuration: EXIT.usage,
  bad_request: EXIT.usage,
  broker_unavailable: EXIT.failed,
  conflict: EXIT.conflict,
  database_busy: EXIT.conflict,
  database_full: EXIT.failed,
  database_unavailable: EXIT.failed,
  environment_running: EXIT.conflict,
  forbidden: EXIT.authentication,
  internal: EXIT.failed,
  invalid_request: EXIT.usage,
  not_found: EXIT.notFound,
  port_taken: EXIT.conflict,
  rate_limited: EXIT.authentication,
  repository_unavailable: EXIT.failed,
  schema_mismatch: EXIT.failed,
  secret_unreadable: EXIT.failed,
  timeout: EXIT.timeout,
  unauthenticated: EXIT.authentication,
  unsupported_media_type: EXIT.usage,
  usage: EXIT.usage,
  value_store_unavailable: EXIT.failed,
  value_unreadable: EXIT.failed,
};

/** The code for whatever was thrown; an error that is none of ours is a failure. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof TradewindError ? EXIT_OF_CODE[error.code] : EXIT.failed;
}
