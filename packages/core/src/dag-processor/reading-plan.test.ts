import { describe, expect, test } from 'vitest';
import type { BundleScan } from './bundle-scanner.ts';
import { isDagFile, planReading, type FileMemory } from './reading-plan.ts';

function scan(files: Readonly<Record<string, string>>, more: { bundleVersion?: string; skipped?: BundleScan['skipped'] } = {}): BundleScan {
  const { bundleVersion = 'v1', skipped = [] } = more;
  return { version: { bundleFolder: '/dags', bundleVersion, manifestFile: '/m' }, files: new Map(Object.entries(files)), skipped };
}

const known = (contentHash: string | undefined, more: Partial<FileMemory> = {}): FileMemory => ({ contentHash, dependencies: {}, ...more });
const memory = (files: Readonly<Record<string, FileMemory>>): ReadonlyMap<string, FileMemory> => new Map(Object.entries(files));
const nothing = { changed: [], retried: [], unchanged: [], unreadable: [], removed: [] };

describe('planReading', () => {
  test('reads files that are new or have another content, and leaves the rest', () => {
    const plan = planReading(scan({ 'a.ts': '1', 'b.ts': '2', 'c.ts': '3' }), memory({ 'a.ts': known('1'), 'b.ts': known('1') }), 0);
    expect(plan).toEqual({ ...nothing, changed: ['b.ts', 'c.ts'], unchanged: ['a.ts'] });
  });

  test('reads a file when one that it imports has changed, has come or has gone', () => {
    const files = memory({
      'changed.ts': known('1', { dependencies: { 'lib.sql': 'old' } }),
      'come.ts': known('1', { dependencies: { 'new.sql': '' } }),
      'gone.ts': known('1', { dependencies: { 'gone.sql': 'x' } }),
      'outside.ts': known('1', { dependencies: { '.hidden.js': '' } }),
    });
    const plan = planReading(
      scan({ 'changed.ts': '1', 'come.ts': '1', 'gone.ts': '1', 'outside.ts': '1', 'lib.sql': 'new', 'new.sql': 'y' }),
      files,
      0,
    );
    expect(plan).toEqual({ ...nothing, changed: ['changed.ts', 'come.ts', 'gone.ts'], unchanged: ['outside.ts'] });
  });

  test.each([
    ['another version may hold what it missed', { bundleVersion: 'v0', retryAt: 100, isSlow: false }, true],
    ['its time has come', { bundleVersion: 'v1', retryAt: 10, isSlow: false }, true],
    ['it is slow and its time has come', { bundleVersion: 'v0', retryAt: 10, isSlow: true }, true],
    ['nothing has changed', { bundleVersion: 'v1', retryAt: 100, isSlow: false }, false],
    ['it is slow, and another version is no reason', { bundleVersion: 'v0', retryAt: 100, isSlow: true }, false],
    ['only its own content can help', { bundleVersion: 'v0', retryAt: Number.POSITIVE_INFINITY, isSlow: false }, false],
  ])('of a file with an import error it says: %s', (_, failure, isRetried) => {
    const plan = planReading(scan({ 'a.ts': '1' }), memory({ 'a.ts': known('1', { failure }) }), 10);
    expect(plan).toEqual({ ...nothing, retried: isRetried ? ['a.ts'] : [] });
  });

  test('takes a file that is there and cannot be read for unreadable, and not for removed', () => {
    const skipped = [
      { path: 'huge.ts', reason: 'is too large' },
      { path: 'huge.csv', reason: 'is too large' },
    ];
    const plan = planReading(scan({}, { skipped }), memory({ 'huge.ts': known('1'), 'gone.ts': known('1') }), 0);
    expect(plan).toEqual({ ...nothing, unreadable: [skipped[0]], removed: ['gone.ts'] });
  });
});

test.each([
  ['a.ts', true],
  ['deep/in/a.mts', true],
  ['a.js', true],
  ['a.mjs', true],
  ['types.d.ts', false],
  ['types.d.mts', false],
  ['a.test.ts', false],
  ['a.cts', false],
  ['a.cjs', false],
  ['a.json', false],
  ['a.tsx', false],
  ['ts', false],
])('%s may hold dags: %s', (file, expected) => {
  expect(isDagFile(file)).toBe(expected);
});
