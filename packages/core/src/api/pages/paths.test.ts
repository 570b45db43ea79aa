import { describe, expect, test } from 'vitest';
import { dagPath, logPath, runPath, safePath, taskPath } from './paths.ts';

describe('paths', () => {
  test('encode whatever an id may hold', () => {
    expect(dagPath('a/../b?c#d"')).toBe('/dags/a%2F..%2Fb%3Fc%23d%22');
    expect(runPath('orders', 'manual__2026-11-21T12:00:00+00:00')).toBe('/dags/orders/runs/manual__2026-11-21T12%3A00%3A00%2B00%3A00');
    expect(taskPath('orders', 'r', 't', 2)).toBe('/dags/orders/runs/r/tasks/t?try=2');
    expect(logPath('o', 'r', 't', 2)).toBe('/api/v2/dags/o/dagRuns/r/taskInstances/t/logs/2?full_content=true');
  });
});

describe('safePath', () => {
  test.each([
    ['/', '/'],
    ['/dags/orders?trigger=form', '/dags/orders?trigger=form'],
    ['/events#top', '/events'],
  ])('goes to a path of this server: %s', (path, expected) => {
    expect(safePath(path)).toBe(expected);
  });

  test.each([
    undefined,
    '',
    'dags',
    '//evil.example',
    '//evil.example/dags',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    'https://evil.example',
    'https:/evil.example',
    'https:evil.example',
    'javascript:alert(1)',
    ' //evil.example',
    '/..//evil.example',
    '/.//evil.example',
    'http://tradewind.invalid/x',
    '//tradewind.invalid//evil.example',
    'http://[',
  ])('goes to the start page for anything else: %j', (path) => {
    expect(safePath(path)).toBe('/');
  });
});
