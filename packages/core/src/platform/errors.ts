/**
 * Every error that Tradewind itself raises, by its stable code. `docs/reference/errors.md` lists the same codes; a test compares the two.
 */
export const ERROR_CODES = [
  'already_exists',
  'bad_configuration',
  'bad_request',
  'broker_unavailable',
  'conflict',
  'database_busy',
  'database_full',
  'database_unavailable',
  'environment_running',
  'forbidden',
  'internal',
  'invalid_request',
  'not_found',
  'port_taken',
  'rate_limited',
  'repository_unavailable',
  'schema_mismatch',
  'secret_unreadable',
  'timeout',
  'unauthenticated',
  'unsupported_media_type',
  'usage',
  'value_store_unavailable',
  'value_unreadable',
] as const;
/** The stable name of a kind of error. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error whose message is meant for people: it says what happened, where, and what to do. */
export class TradewindError extends Error {
  readonly code: ErrorCode;

  /** @param options.cause the error underneath, kept for logs and never shown to API clients */
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'TradewindError';
    this.code = code;
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
