import { describe, expect, test } from 'vitest';
import { createSessionCookie } from './cookies.ts';

describe('the session cookie', () => {
  test('is out of reach for scripts and other sites', () => {
    const cookie = createSessionCookie('sales', false);
    expect(cookie.begin('a.b.c', 60)).toBe('tradewind-sales=a.b.c; Max-Age=60; Path=/; HttpOnly; SameSite=Strict');
    expect(cookie.end()).toBe('tradewind-sales=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict');
  });

  test('is bound to the host and to https where there is https', () => {
    expect(createSessionCookie('sales', true).begin('t', 60)).toBe(
      '__Host-tradewind-sales=t; Max-Age=60; Path=/; HttpOnly; SameSite=Strict; Secure',
    );
  });

  test('is found among others, and those of other environments are not it', () => {
    const cookie = createSessionCookie('sales', false);
    expect(cookie.read('a=1; tradewind-sales-eu=x; tradewind-sales=t; b=2')).toBe('t');
    expect(cookie.read('tradewind-customers=t')).toBeUndefined();
    expect(cookie.read(undefined)).toBeUndefined();
  });

  test('has a name that is one, whatever the environment is called', () => {
    expect(createSessionCookie('sales; Domain=x', false).begin('t', 1)).toMatch(/^tradewind-sales--Domain-x=t;/);
  });
});
