import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkToken, signToken, type TokenClaims } from './tokens.ts';

const SECRET = Buffer.alloc(32, 1);
const NOW = 1_800_000_000_000;
const CLAIMS: TokenClaims = { sub: 'ada', jti: 'token-1', iat: NOW / 1_000, exp: NOW / 1_000 + 60 };

describe('checkToken', () => {
  test('accepts what signToken made', () => {
    expect(checkToken(signToken(CLAIMS, SECRET), SECRET, NOW)).toEqual({ ok: true, claims: CLAIMS });
  });

  test('keeps the role of a token that the environment issued for itself', () => {
    const claims = { ...CLAIMS, role: 'op' } as const;
    expect(checkToken(signToken(claims, SECRET), SECRET, NOW)).toEqual({ ok: true, claims });
  });

  test('tells a token that was good once from one that never was', () => {
    expect(checkToken(signToken(CLAIMS, SECRET), SECRET, NOW + 60_000)).toEqual({ ok: false, reason: 'expired' });
  });

  test('accepts a token a millisecond before it expires', () => {
    expect(checkToken(signToken(CLAIMS, SECRET), SECRET, NOW + 59_999)).toMatchObject({ ok: true });
  });

  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (header: unknown, payload: unknown, secret: Buffer = SECRET): string => {
    const content = `${encode(header)}.${encode(payload)}`;
    return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
  };
  const HS256 = { alg: 'HS256', typ: 'JWT' };
  const good = signToken(CLAIMS, SECRET);

  test.each([
    ['another key', sign(HS256, CLAIMS, Buffer.alloc(32, 2))],
    ['no signature', `${good.slice(0, good.lastIndexOf('.'))}.`],
    ['algorithm none', `${encode({ alg: 'none', typ: 'JWT' })}.${encode(CLAIMS)}.`],
    ['algorithm none with a signature', sign({ alg: 'none', typ: 'JWT' }, CLAIMS)],
    ['another algorithm', sign({ alg: 'HS512', typ: 'JWT' }, CLAIMS)],
    ['a header with more in it', sign({ ...HS256, kid: '../key' }, CLAIMS)],
    ['claims that were changed', good.replace(encode(CLAIMS), encode({ ...CLAIMS, sub: 'admin' }))],
    ['a signature with another last bit', `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`],
    ['a fourth part', `${good}.more`],
    ['an issue date in the future', sign(HS256, { ...CLAIMS, iat: NOW / 1_000 + 3_600 })],
    ['no subject', sign(HS256, { ...CLAIMS, sub: undefined })],
    ['no id', sign(HS256, { ...CLAIMS, jti: undefined })],
    ['no expiry', sign(HS256, { ...CLAIMS, exp: undefined })],
    ['an expiry in words', sign(HS256, { ...CLAIMS, exp: 'never' })],
    ['a role that there is not', sign(HS256, { ...CLAIMS, role: 'root' })],
    ['claims that are null', sign(HS256, null)],
    ['nothing', ''],
    ['something else', 'a.b.c'],
    ['more than a token holds', 'a'.repeat(100_000)],
  ])('refuses a token with %s', (_what, token) => {
    expect(checkToken(token, SECRET, NOW)).toEqual({ ok: false, reason: 'invalid' });
  });
});
