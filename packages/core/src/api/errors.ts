/**
 * The only place where an error becomes an answer: which HTTP status each code has, and what a client is told.
 */
import { TradewindError, messageOf, type ErrorCode } from '../platform/errors.ts';
import { InvalidRequest, type RequestProblem } from './request-problems.ts';

/** The HTTP status of each code. `docs/reference/errors.md` says the same; a test compares the two. */
export const STATUS_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  already_exists: 409,
  bad_configuration: 500,
  bad_request: 400,
  broker_unavailable: 503,
  conflict: 409,
  database_busy: 503,
  database_full: 503,
  database_unavailable: 503,
  environment_running: 409,
  forbidden: 403,
  internal: 500,
  invalid_request: 422,
  not_found: 404,
  port_taken: 500,
  rate_limited: 429,
  repository_unavailable: 502,
  schema_mismatch: 500,
  secret_unreadable: 500,
  timeout: 504,
  unauthenticated: 401,
  unsupported_media_type: 415,
  usage: 400,
  value_store_unavailable: 503,
  value_unreadable: 500,
};

/** Too many of something in a short time. */
export class RateLimited extends TradewindError {
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super('rate_limited', message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What a client is told about an error. */
export interface ErrorReply {
  readonly status: number;
  readonly detail: string | readonly RequestProblem[];
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Turns whatever was thrown into an answer. An error of ours says what it says; of everything else, and of what concerns the operator alone, the
 * client learns the status and nothing more: the log has the rest.
 */
export function replyOf(error: unknown): ErrorReply {
  if (error instanceof InvalidRequest) return { status: STATUS_OF_CODE.invalid_request, detail: error.problems, headers: {} };
  if (error instanceof TradewindError) return replyOfCode(error);
  const status = statusOfHttpError(error);
  if (status !== undefined) return { status, detail: messageOf(error), headers: {} };
  return { status: 500, detail: 'Internal Server Error', headers: {} };
}

function replyOfCode(error: TradewindError): ErrorReply {
  const status = STATUS_OF_CODE[error.code];
  if (status === 503) return { status, detail: unavailableDetail(error.code), headers: { 'retry-after': '5' } };
  if (status >= 500) return { status, detail: 'Internal Server Error', headers: {} };
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (error instanceof RateLimited) headers['retry-after'] = String(error.retryAfterSeconds);
  return { status, detail: error.message, headers };
}

/** Says what is missing without the addresses and paths that the error itself names. */
function unavailableDetail(code: ErrorCode): string {
  if (code === 'value_store_unavailable') return 'The place of large values behind this environment is not available; try again.';
  return code === 'database_full'
    ? 'The disk of the database behind this environment is full, and nothing was written. Free space; work goes on by itself.'
    : 'The database or the broker behind this environment is not available; try again.';
}

/** The status of an error of the HTTP layer itself, such as a body that is too large; its message names no inner matter. */
function statusOfHttpError(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, code } = error as { readonly statusCode?: unknown; readonly code?: unknown };
  const isOfHttpLayer = typeof code === 'string' && code.startsWith('FST_ERR_');
  return isOfHttpLayer && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
