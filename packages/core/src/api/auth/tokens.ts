import { createHmac, timingSafeEqual } from 'node:crypto';
import { ROLES, type Role } from './principal.ts';

/** What a token says. Times are seconds since the epoch (RFC 7519). */
export interface TokenClaims {
  /** The user's name. */
  readonly sub: string;
  /** Id of the token, by which it is revoked. */
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  /** Set in tokens that the environment issues for itself: they stand for no user in the store. */
  readonly role?: Role;
}

/** What a token turned out to be. */
export type TokenCheck =
  | { readonly ok: true; readonly claims: TokenClaims }
  | { readonly ok: false; readonly reason: 'expired' | 'invalid' };

/** The one header that is written and accepted: whoever picks another algorithm is refused (RFC 8725 §3.1). */
const HEADER = encode({ alg: 'HS256', typ: 'JWT' });
/** How far the clock that issued a token may be ahead. */
const CLOCK_SKEW_SECONDS = 60;
const MAX_TOKEN_LENGTH = 4_096;

/** Signs a token with HMAC-SHA256. */
export function signToken(claims: TokenClaims, secret: Uint8Array): string {
  const content = `${HEADER}.${encode(claims)}`;
  return `${content}.${signatureOf(content, secret).toString('base64url')}`;
}

/** Checks a token's signature, its times, and that it says everything that it must. */
export function checkToken(token: string, secret: Uint8Array, nowMs: number): TokenCheck {
  const invalid = { ok: false, reason: 'invalid' } as const;
  const [header, payload, signature, ...rest] = token.length > MAX_TOKEN_LENGTH ? [] : token.split('.');
  if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) return invalid;
  const expected = signatureOf(`${header}.${payload}`, secret).toString('base64url');
  if (!isSameText(signature, expected)) return invalid;
  const claims = decodeClaims(payload);
  const now = nowMs / 1_000;
  if (claims === undefined || claims.iat > now + CLOCK_SKEW_SECONDS) return invalid;
  return claims.exp <= now ? { ok: false, reason: 'expired' } : { ok: true, claims };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signatureOf(content: string, secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(content).digest();
}

function isSameText(given: string, expected: string): boolean {
  const givenBytes = Buffer.from(given);
  const expectedBytes = Buffer.from(expected);
  return givenBytes.length === expectedBytes.length && timingSafeEqual(givenBytes, expectedBytes);
}

/** Reads what our own signature vouches for; a secret that leaked into another program's hands must not crash this one. */
function decodeClaims(payload: string): TokenClaims | undefined {
  let value: Partial<Record<keyof TokenClaims, unknown>> | null;
  try {
    value = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as typeof value;
  } catch {
    return undefined;
  }
  if (value === null) return undefined;
  const { sub, jti, iat, exp, role } = value;
  if (typeof sub !== 'string' || typeof jti !== 'string' || typeof iat !== 'number' || typeof exp !== 'number') return undefined;
  if (role === undefined) return { sub, jti, iat, exp };
  const known = ROLES.find((name) => name === role);
  return known === undefined ? undefined : { sub, jti, iat, exp, role: known };
}
