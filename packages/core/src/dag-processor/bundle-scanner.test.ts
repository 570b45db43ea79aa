import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BundleManifest } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { createTestFolder, type TestFolder } from '../executors/testing/test-bundle.ts';
import { BundleScanner } from './bundle-scanner.ts';
import { MAX_BUNDLE_FILE_BYTES } from './list-bundle-files.ts';

let folder: TestFolder;
let bundleFolder: string;
let stateFolder: string;
let scanner: BundleScanner;

beforeEach(() => {
  folder = createTestFolder();
  bundleFolder = path.join(folder.path, 'dags');
  stateFolder = path.join(folder.path, '.tradewind');
  mkdirSync(bundleFolder);
  scanner = createScanner();
});

afterEach(() => {
  folder[Symbol.dispose]();
});

function createScanner(): BundleScanner {
  return new BundleScanner({ bundleFolder, stateFolder, clock: systemClock });
}

function write(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(bundleFolder, file)), { recursive: true });
    writeFileSync(path.join(bundleFolder, file), content);
  }
}

const list = (name: 'objects' | 'versions'): string[] => readdirSync(path.join(stateFolder, 'bundles', name)).toSorted();

describe('a version', () => {
  test('holds every file of the folder but hidden ones and installed packages', async () => {
    write({ 'b.ts': 'b', 'a/a.sql': 'a', '.env': 'x', '.git/HEAD': 'x', 'node_modules/p/index.js': 'x', 'a/node_modules/q.js': 'x' });
    const { files } = await scanner.scan();
    expect([...files.keys()]).toEqual(['a/a.sql', 'b.ts']);
  });

  test('is stored so that everyone finds the content of each of its files', async () => {
    write({ 'a.ts': 'const a = 1;', 'copy.ts': 'const a = 1;', 'empty.ts': '' });
    const { version, files } = await scanner.scan();
    const manifest = JSON.parse(readFileSync(version.manifestFile, 'utf8')) as BundleManifest;
    expect(manifest).toEqual({ bundleVersion: version.bundleVersion, files: Object.fromEntries(files) });
    expect(readFileSync(path.join(stateFolder, 'bundles', 'objects', manifest.files['a.ts'] ?? ''), 'utf8')).toBe('const a = 1;');
    expect(list('objects')).toHaveLength(2);
  });

  test('is another one after any change and the same one again after it was undone', async () => {
    write({ 'a.ts': '1' });
    const first = await scanner.scan();
    const versions: string[] = [];
    for (const change of [{ 'a.ts': '2' }, { 'b.ts': '1' }]) {
      write(change);
      versions.push((await scanner.scan()).version.bundleVersion);
    }
    rmSync(path.join(bundleFolder, 'b.ts'));
    write({ 'a.ts': '1' });
    const last = await scanner.scan();
    expect(new Set([first.version.bundleVersion, ...versions]).size).toBe(3);
    expect(last.version).toEqual(first.version);
  });

  test('is another one when a file is renamed', async () => {
    write({ 'a.ts': '1' });
    const before = await scanner.scan();
    renameSync(path.join(bundleFolder, 'a.ts'), path.join(bundleFolder, 'b.ts'));
    expect((await scanner.scan()).version.bundleVersion).not.toBe(before.version.bundleVersion);
  });

  test('shows a change that leaves size and time of a file as they were', async () => {
    write({ 'a.ts': '1' });
    const file = path.join(bundleFolder, 'a.ts');
    utimesSync(file, 1, 1);
    const before = await scanner.scan();
    writeFileSync(file, '2');
    utimesSync(file, 1, 1);
    expect((await scanner.scan()).version.bundleVersion).not.toBe(before.version.bundleVersion);
  });

  test('is the same for another process', async () => {
    write({ 'a.ts': '1', 'b/c.ts': '2' });
    expect((await createScanner().scan()).version).toEqual((await scanner.scan()).version);
  });

  test('is stored again, whole, where its content was stored in part', async () => {
    write({ 'a.ts': 'const a = 1;' });
    const { files } = await scanner.scan();
    const object = path.join(stateFolder, 'bundles', 'objects', files.get('a.ts') ?? '');
    truncateSync(object, 3);
    await createScanner().scan();
    expect(readFileSync(object, 'utf8')).toBe('const a = 1;');
  });
});

describe('a folder', () => {
  test('may be a link that leads elsewhere from one scan to the next', async () => {
    for (const release of ['one', 'two']) {
      mkdirSync(path.join(folder.path, release));
      writeFileSync(path.join(folder.path, release, 'a.ts'), release);
    }
    rmSync(bundleFolder, { recursive: true });
    symlinkSync(path.join(folder.path, 'one'), bundleFolder);
    const first = await scanner.scan();
    rmSync(bundleFolder);
    symlinkSync(path.join(folder.path, 'two'), bundleFolder);
    const second = await scanner.scan();
    expect([path.basename(first.version.bundleFolder), path.basename(second.version.bundleFolder)]).toEqual(['one', 'two']);
    expect(second.version.bundleVersion).not.toBe(first.version.bundleVersion);
  });

  test('that is missing is an error, and not an empty bundle', async () => {
    rmSync(bundleFolder, { recursive: true });
    await expect(scanner.scan()).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining(bundleFolder) as string });
  });

  test('with links in circles is read to its end', async () => {
    write({ 'a/b/c.ts': '1' });
    symlinkSync(bundleFolder, path.join(bundleFolder, 'a', 'b', 'up'));
    symlinkSync('self.ts', path.join(bundleFolder, 'self.ts'));
    const { files, skipped } = await scanner.scan();
    expect([...files.keys()]).toEqual(['a/b/c.ts']);
    expect(skipped).toEqual([
      { path: 'a/b/up', reason: 'is a link to a folder that contains it' },
      { path: 'self.ts', reason: expect.stringContaining('ELOOP') as string },
    ]);
  });

  test('with a file that is too large leaves it out and says so', async () => {
    write({ 'small.ts': '1', 'large.ts': Buffer.alloc(MAX_BUNDLE_FILE_BYTES + 1), 'limit.ts': Buffer.alloc(MAX_BUNDLE_FILE_BYTES) });
    const { files, skipped } = await scanner.scan();
    expect([...files.keys()]).toEqual(['limit.ts', 'small.ts']);
    expect(skipped).toMatchObject([{ path: 'large.ts', reason: expect.stringContaining(`${MAX_BUNDLE_FILE_BYTES + 1} bytes`) as string }]);
  });

  test('with too much in it is refused, naming what to move', async () => {
    for (let index = 0; index < 26; index += 1) write({ [`part${index}.csv`]: '' });
    for (let index = 0; index < 26; index += 1) truncateSync(path.join(bundleFolder, `part${index}.csv`), MAX_BUNDLE_FILE_BYTES - index);
    await expect(scanner.scan()).rejects.toMatchObject({
      code: 'bad_configuration',
      message: expect.stringMatching(/dags have 272\d{6} bytes together.*beginning with part0\.csv, part1\.csv, part2\.csv/) as string,
    });
  });

  test('that leads to too many files is refused, naming the folder', async () => {
    // Forty links that lead to half a million places.
    for (let level = 0; level < 8; level += 1) {
      mkdirSync(path.join(bundleFolder, `level${level}`));
      for (const link of ['a', 'b', 'c', 'd', 'e']) symlinkSync(`../level${level + 1}`, path.join(bundleFolder, `level${level}`, link));
    }
    mkdirSync(path.join(bundleFolder, 'level8'));
    await expect(scanner.scan()).rejects.toMatchObject({
      code: 'bad_configuration',
      message: expect.stringMatching(/dags holds more than 20000 files/) as string,
    });
  });
});

test('hashNow is the hash that a scan gives, and undefined for a file that is not there', async () => {
  write({ 'a.ts': '1' });
  const { files } = await scanner.scan();
  expect(await scanner.hashNow('a.ts')).toBe(files.get('a.ts'));
  expect(await scanner.hashNow('gone.ts')).toBeUndefined();
});

describe('pruning', () => {
  async function scanVersions(count: number): Promise<string[]> {
    const versions: string[] = [];
    for (let index = 0; index < count; index += 1) {
      write({ 'a.ts': `version ${index}`, 'shared.ts': 'shared' });
      const { version } = await scanner.scan();
      // Written within one tick of the file system's clock, they would have no order.
      utimesSync(version.manifestFile, 1_000 + index, 1_000 + index);
      versions.push(version.bundleVersion);
    }
    return versions;
  }

  test('keeps the newest five and those that are needed, with their contents', async () => {
    const versions = await scanVersions(8);
    const pruned = await scanner.prune(new Set([versions[1] ?? '']));
    expect(pruned).toEqual({ versions: 2, objects: 2 });
    const kept = versions.filter((_, index) => index === 1 || index >= 3);
    expect(list('versions')).toEqual(kept.map((version) => `${version}.json`).toSorted());
    expect(list('objects')).toHaveLength(kept.length + 1);
  });

  test('is followed by scans that store again what they need', async () => {
    const versions = await scanVersions(7);
    await scanner.prune(new Set());
    write({ 'a.ts': 'version 0' });
    const { version, files } = await scanner.scan();
    expect(version.bundleVersion).toBe(versions[0]);
    for (const sha256 of files.values()) expect(list('objects')).toContain(sha256);
  });

  test('of a state folder without bundles takes nothing away', async () => {
    expect(await scanner.prune(new Set())).toEqual({ versions: 0, objects: 0 });
  });
});
