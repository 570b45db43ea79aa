import { describe, expect, test } from 'vitest';
import { createTestClock } from '../testing/test-server.ts';
import { createLoginLimiter } from './login-limiter.ts';

describe('createLoginLimiter', () => {
  test('allows five attempts a minute and says how long to wait for the next', () => {
    const clock = createTestClock();
    const limiter = createLoginLimiter(clock);
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect(limiter.attempt('ada', '::1')).toBeUndefined();
      clock.advance(1_000);
    }
    expect(limiter.attempt('ada', '::1')).toBe(55);
    clock.advance(54_999);
    expect(limiter.attempt('ada', '::1')).toBe(1);
    clock.advance(1);
    expect(limiter.attempt('ada', '::1')).toBeUndefined();
    expect(limiter.attempt('ada', '::1')).toBe(1);
  });

  test('counts each account and each address for itself', () => {
    const limiter = createLoginLimiter(createTestClock());
    for (let attempt = 1; attempt <= 5; attempt += 1) limiter.attempt('ada', '::1');
    expect(limiter.attempt('ada', '::1')).toBe(60);
    expect(limiter.attempt('bob', '::1')).toBeUndefined();
    expect(limiter.attempt('ada', '::2')).toBeUndefined();
  });

  test('forgets the attempts of somebody who got in', () => {
    const limiter = createLoginLimiter(createTestClock());
    for (let attempt = 1; attempt <= 5; attempt += 1) limiter.attempt('ada', '::1');
    limiter.succeeded('ada', '::1');
    expect(limiter.attempt('ada', '::1')).toBeUndefined();
  });

  test('allows thirty attempts a minute from one address, whatever the account', () => {
    const limiter = createLoginLimiter(createTestClock());
    for (let attempt = 1; attempt <= 30; attempt += 1) expect(limiter.attempt(`user ${attempt}`, '::1')).toBeUndefined();
    expect(limiter.attempt('another', '::1')).toBe(60);
  });

  test('goes on after more names than it remembers', () => {
    const limiter = createLoginLimiter(createTestClock());
    for (let attempt = 1; attempt <= 12_000; attempt += 1) limiter.attempt('ada', `address ${attempt}`);
    expect(limiter.attempt('ada', 'address 12000')).toBeUndefined();
  });
});
