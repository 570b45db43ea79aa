import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../cli/exit-codes.ts';
import { ERROR_CODES, TradewindError, type ErrorCode } from '../platform/errors.ts';
import { RateLimited, STATUS_OF_CODE, replyOf } from './errors.ts';
import { InvalidRequest } from './request-problems.ts';

/** The table of the reference, row by row. */
function documentedErrors(): readonly (readonly [code: string, status: number, exitCode: number])[] {
  const text = readFileSync(new URL('../../../../docs/reference/errors.md', import.meta.url), 'utf8');
  const rows = text.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \| .+ \| .+ \|$/gm);
  return [...rows].map(([, code = '', status, exitCode]) => [code, Number(status), Number(exitCode)]);
}

describe('docs/reference/errors.md', () => {
  test('lists every code, in order, and no other', () => {
    expect(documentedErrors().map(([code]) => code)).toEqual(ERROR_CODES);
    expect(ERROR_CODES).toEqual(ERROR_CODES.toSorted());
  });

  test.each(documentedErrors())('gives %s the HTTP status %i that the API answers with', (code, status) => {
    expect(STATUS_OF_CODE[code as ErrorCode]).toBe(status);
  });

  test.each(documentedErrors())('gives %s (%i) the exit code that the command line ends with', (code, _status, exitCode) => {
    expect(exitCodeOf(new TradewindError(code as ErrorCode, ''))).toBe(exitCode);
  });
});

describe('replyOf', () => {
  test('says what an error of ours says', () => {
    expect(replyOf(new TradewindError('not_found', 'there is no dag x'))).toEqual({
      status: 404,
      detail: 'there is no dag x',
      headers: {},
    });
  });

  test('keeps what concerns the operator alone from clients', () => {
    const cause = new Error('password=secret');
    for (const error of [new TradewindError('bad_configuration', '/secret/path', { cause }), cause, 'text', undefined, null]) {
      expect(replyOf(error)).toEqual({ status: 500, detail: 'Internal Server Error', headers: {} });
    }
    expect(replyOf(new TradewindError('database_unavailable', 'postgres://user:secret@host')).detail).not.toContain('secret');
  });

  test('says that the disk is full, and not where', () => {
    const reply = replyOf(new TradewindError('database_full', 'the database /secret/path cannot grow'));
    expect(reply).toMatchObject({ status: 503, detail: expect.stringContaining('disk') as string });
    expect(reply.detail).not.toContain('/secret');
  });

  test('lists the problems of a request', () => {
    const problem = { type: 'missing', loc: ['query', 'x'], msg: 'Field required', input: null };
    expect(replyOf(new InvalidRequest([problem]))).toEqual({ status: 422, detail: [problem], headers: {} });
  });

  test('says how to come back', () => {
    expect(replyOf(new TradewindError('unauthenticated', 'x')).headers).toEqual({ 'www-authenticate': 'Bearer' });
    expect(replyOf(new RateLimited('x', 12)).headers).toEqual({ 'retry-after': '12' });
    expect(replyOf(new TradewindError('database_busy', 'x')).headers).toEqual({ 'retry-after': '5' });
  });

  test('trusts the message of the HTTP layer and of nobody else', () => {
    const tooLarge = Object.assign(new Error('Request body is too large'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 });
    expect(replyOf(tooLarge)).toMatchObject({ status: 413, detail: 'Request body is too large' });
    const stranger = Object.assign(new Error('secret'), { code: 'OTHER', statusCode: 400 });
    expect(replyOf(stranger)).toMatchObject({ status: 500, detail: 'Internal Server Error' });
  });
});
