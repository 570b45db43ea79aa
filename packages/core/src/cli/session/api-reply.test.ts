import { describe, expect, test } from 'vitest';
import { readReply } from './api-reply.ts';

const codeOf = (status: number, body: string): unknown => {
  try {
    return readReply(status, body, 'sales');
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
};

describe('readReply', () => {
  test('returns the body of a success', () => {
    expect(readReply(201, '{"dag_id":"a"}', 'sales')).toEqual({ dag_id: 'a' });
  });

  test.each([
    [400, 'bad_request'],
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [409, 'conflict'],
    [500, 'internal'],
    [503, 'database_unavailable'],
  ])('throws what the API says with the code behind status %d', (status, code) => {
    expect(codeOf(status, '{"detail":"No."}')).toBe(`${code}: sales: No.`);
  });

  test('puts the problems of a request into a sentence', () => {
    const detail = [
      { loc: ['body', 'logical_date'], msg: 'Input should be a valid datetime' },
      { loc: ['body', 'note'], msg: 'Field required' },
    ];
    expect(codeOf(422, JSON.stringify({ detail }))).toBe(
      'invalid_request: sales: logical_date: Input should be a valid datetime; note: Field required',
    );
  });

  test('says the status where the answer is not the API’s', () => {
    expect(codeOf(502, '<html>')).toBe('internal: sales: the answer has status 502');
    expect(codeOf(200, '<html>')).toBe('internal: sales: the answer has status 200');
  });
});
