import { TradewindError, type ErrorCode } from '../../platform/errors.ts';

/** The code behind each status that the API refuses with (api/errors.ts); of codes that share one, the one that ends a command the same way. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  415: 'unsupported_media_type',
  422: 'invalid_request',
  429: 'rate_limited',
  503: 'database_unavailable',
  504: 'timeout',
};

/**
 * Reads the API's answer.
 * @param environment whose answer it is
 * @returns the parsed body of a success; undefined for one without a body
 * @throws TradewindError with what the API says about a refusal
 */
export function readReply(status: number, text: string, environment: string): unknown {
  if (status === 204) return undefined;
  const body = parse(text);
  if (status >= 200 && status < 300 && body !== undefined) return body;
  const detail = describeDetail((body as { readonly detail?: unknown } | undefined)?.detail);
  throw new TradewindError(CODE_OF_STATUS[status] ?? 'internal', `${environment}: ${detail ?? `the answer has status ${status}`}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** FastAPI's two forms: a sentence, or a list of problems. */
function describeDetail(detail: unknown): string | undefined {
  if (typeof detail === 'string') return detail;
  if (!Array.isArray(detail)) return undefined;
  const problems = detail as { readonly loc?: readonly unknown[]; readonly msg?: unknown }[];
  return problems.map(({ loc, msg }) => `${(loc ?? []).slice(1).join('.')}: ${String(msg)}`).join('; ');
}
