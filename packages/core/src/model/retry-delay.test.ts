import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decideRetryDelay, type RetryDelay } from './retry-delay.ts';

const key = { dagId: 'orders', taskId: 'load', logicalDate: '2026-11-21T00:00:00Z' };
const asked = (changes: Partial<RetryDelay>): RetryDelay => ({
  retryDelayMs: 10_000,
  retryBackoff: undefined,
  maxRetryDelayMs: undefined,
  tryNumber: 1,
  key,
  ...changes,
});

/** Airflow's place between the base and twice the base. */
const jitterOf = (tryNumber: number, base: number): number =>
  Number(BigInt(`0x${createHash('sha1').update(`orders#load#${key.logicalDate}#${tryNumber}`).digest('hex')}`) % BigInt(base));

describe('the wait before the next try', () => {
  test('is the task’s own without a back-off, every time', () => {
    expect([1, 2, 9].map((tryNumber) => decideRetryDelay(asked({ tryNumber, retryDelayMs: 7 })))).toEqual([7, 7, 7]);
  });

  test.each([
    [1, 10],
    [2, 20],
    [3, 40],
  ])('with a back-off lies at its own place between the base and twice the base: try %i, %i s', (tryNumber, base) => {
    expect(decideRetryDelay(asked({ retryBackoff: 2, tryNumber }))).toBe((base + jitterOf(tryNumber, base)) * 1_000);
  });

  test('is the same whoever asks, and another for another task instance', () => {
    const first = decideRetryDelay(asked({ retryBackoff: 3, tryNumber: 6 }));
    expect(decideRetryDelay(asked({ retryBackoff: 3, tryNumber: 6 }))).toBe(first);
    expect(decideRetryDelay(asked({ retryBackoff: 3, tryNumber: 6, key: { ...key, taskId: 'other' } }))).not.toBe(first);
  });

  test('is a second at least, and never longer than the task or a day allows', () => {
    expect(decideRetryDelay(asked({ retryBackoff: 2, retryDelayMs: 0 }))).toBe(1_000);
    expect(decideRetryDelay(asked({ retryBackoff: 2, tryNumber: 5, maxRetryDelayMs: 60_000 }))).toBe(60_000);
    expect(decideRetryDelay(asked({ retryBackoff: 10, tryNumber: 400 }))).toBe(86_400_000);
  });
});
