import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestFolder, type TestFolder } from '../executors/testing/test-bundle.ts';
import { createVirtualClock, type VirtualClock } from '../platform/testing/virtual-clock.ts';
import { writeQuietLog, type StoredTry } from './write-quiet-log.ts';

let folder: TestFolder;
let clock: VirtualClock;
let file: string;
let tried: StoredTry;

beforeEach(() => {
  folder = createTestFolder();
  clock = createVirtualClock();
  file = path.join(folder.path, 'dag_id=a', 'attempt=2.log');
  const endedAt = clock.now() - 5_000;
  tried = { state: 'success', tryNumber: 2, startedAt: endedAt - 12, endedAt, hostname: 'host', pid: 7 };
});

afterEach(() => {
  folder[Symbol.dispose]();
});

test('says of a silent success what its row says', async () => {
  await writeQuietLog(file, tried, clock);
  const [first, last] = readFileSync(file, 'utf8').trim().split('\n');
  expect(JSON.parse(first ?? '')).toMatchObject({ event: 'task started', pid: 7, try_number: 2, level: 'info', logger: 'supervisor' });
  expect(JSON.parse(last ?? '')).toMatchObject({ event: 'task ended', result: 'success', duration_ms: 12, events: 0 });
});

test('leaves a log that is there as it is', async () => {
  mkdirSync(path.dirname(file));
  writeFileSync(file, 'what it printed\n');
  await writeQuietLog(file, tried, clock);
  expect(readFileSync(file, 'utf8')).toBe('what it printed\n');
});

test('asked twice at once writes once', async () => {
  await Promise.all([writeQuietLog(file, tried, clock), writeQuietLog(file, tried, clock)]);
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(2);
});

test.each<[string, Partial<StoredTry>]>([
  ['runs', { state: 'running', endedAt: null }],
  ['has failed', { state: 'failed' }],
  ['was marked by hand and never ran', { startedAt: null, hostname: null }],
])('writes nothing for a try that %s', async (_, changes) => {
  await writeQuietLog(file, { ...tried, ...changes }, clock);
  expect(existsSync(file)).toBe(false);
});

test('waits a second after the end for what the executor may still write', async () => {
  const written = writeQuietLog(file, { ...tried, endedAt: clock.now() - 100 }, clock);
  await clock.advance(500);
  expect(existsSync(file)).toBe(false);
  mkdirSync(path.dirname(file));
  writeFileSync(file, 'what it printed\n');
  await clock.advance(500);
  await written;
  expect(readFileSync(file, 'utf8')).toBe('what it printed\n');
});
