import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestFolder, type TestFolder } from '../executors/testing/test-bundle.ts';
import type { GitBundleConfig } from '../platform/bundle-config.ts';
import { systemClock, type Clock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import { GitBundle } from './git-bundle.ts';
import { GitRepository } from './testing/git-repository.ts';

let folder: TestFolder;
let stateFolder: string;
let repository: GitRepository;
let nowMs: number;
const opened: GitBundle[] = [];

/** Durations are ours to tell; what waits for git waits in real time. */
const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };

beforeEach(() => {
  folder = createTestFolder();
  stateFolder = path.join(folder.path, '.tradewind');
  repository = new GitRepository(path.join(folder.path, 'origin'));
  nowMs = 0;
});

afterEach(() => {
  for (const bundle of opened.splice(0)) bundle.stop();
  folder[Symbol.dispose]();
});

function open(changes: Partial<GitBundleConfig> = {}): GitBundle {
  const config = {
    name: 'team',
    kind: 'git',
    repository: repository.folder,
    ref: 'main',
    subfolder: '',
    refreshSeconds: 60,
    ...changes,
  } as const;
  const bundle = new GitBundle({ config, stateFolder, clock, log: silentLog });
  opened.push(bundle);
  return bundle;
}

const refreshed = (): void => void (nowMs += 60_000);
const commits = (): string[] => readdirSync(path.join(stateFolder, 'bundles/git/team/commits')).toSorted();

describe('a git bundle', () => {
  test('has a version for each commit, with its files', async () => {
    const bundle = open();
    const first = repository.commit({ 'orders.ts': 'one', 'lib/shared.ts': 'two' });
    const before = await bundle.scan();
    expect(before.version.bundleVersion).toBe(first);
    expect([...before.files.keys()]).toEqual(['lib/shared.ts', 'orders.ts']);
    expect(readFileSync(path.join(before.version.bundleFolder, 'orders.ts'), 'utf8')).toBe('one');
    const second = repository.commit({ 'orders.ts': 'changed' });
    refreshed();
    const after = await bundle.scan();
    expect(after.version.bundleVersion).toBe(second);
    expect(readFileSync(path.join(before.version.bundleFolder, 'orders.ts'), 'utf8')).toBe('one');
    expect(await bundle.hashNow('orders.ts')).toBe(after.files.get('orders.ts'));
  });

  test('asks the repository no sooner than it is told to', async () => {
    const bundle = open();
    const first = repository.commit({ 'a.ts': '1' });
    await bundle.scan();
    repository.commit({ 'a.ts': '2' });
    nowMs += 59_000;
    expect((await bundle.scan()).version.bundleVersion).toBe(first);
  });

  test.each([
    ['a tag', () => repository.git('tag', '--annotate', '--message', 'x', 'release-1'), 'release-1'],
    ['a lightweight tag', () => repository.git('tag', 'v1'), 'v1'],
    ['a branch with a stroke in its name', () => repository.git('branch', 'team/next'), 'team/next'],
  ])('may be at %s', async (_what, make, ref) => {
    const commit = repository.commit({ 'a.ts': '1' });
    make();
    repository.commit({ 'a.ts': '2' });
    expect((await open({ ref }).scan()).version.bundleVersion).toBe(commit);
  });

  test('may be at a commit', async () => {
    const commit = repository.commit({ 'a.ts': '1' });
    repository.commit({ 'a.ts': '2' });
    expect((await open({ ref: commit }).scan()).version.bundleVersion).toBe(commit);
  });

  test('may be a folder of the repository, and files beside it lie where they lie there', async () => {
    repository.commit({ 'team/dags/orders.ts': '1', 'shared/lib.ts': '2' });
    const { files, version } = await open({ subfolder: 'team/dags' }).scan();
    expect([...files.keys()]).toEqual(['orders.ts']);
    expect(readFileSync(path.join(version.bundleFolder, '../../shared/lib.ts'), 'utf8')).toBe('2');
  });

  test('follows a branch that was moved back by force, and keeps the commit that it moved away from', async () => {
    const bundle = open();
    repository.commit({ 'a.ts': '1' });
    const lost = repository.commit({ 'a.ts': '2' });
    const before = await bundle.scan();
    repository.git('reset', '--quiet', '--hard', 'HEAD~1');
    const forced = repository.commit({ 'a.ts': '3' });
    refreshed();
    expect((await bundle.scan()).version.bundleVersion).toBe(forced);
    expect(readFileSync(path.join(before.version.bundleFolder, 'a.ts'), 'utf8')).toBe('2');
    // Another life of the environment can still go to it.
    expect((await open({ ref: lost }).scan()).version.bundleVersion).toBe(lost);
  });

  test('stays at its commit while the repository cannot be reached, and goes on when it can, after pauses that grow', async () => {
    const bundle = open();
    const first = repository.commit({ 'a.ts': '1' });
    await bundle.scan();
    const away = `${repository.folder}-away`;
    renameSync(repository.folder, away);
    for (const pauseMs of [60_000, 5_000, 10_000]) {
      nowMs += pauseMs;
      expect((await bundle.scan()).version.bundleVersion).toBe(first);
    }
    renameSync(away, repository.folder);
    const second = repository.commit({ 'a.ts': '2' });
    nowMs += 19_000;
    expect((await bundle.scan()).version.bundleVersion).toBe(first);
    nowMs += 1_000;
    expect((await bundle.scan()).version.bundleVersion).toBe(second);
  });

  test('of a repository that was never reached says so, and does not ask at every scan', async () => {
    const bundle = open({ repository: path.join(folder.path, 'nowhere') });
    const refusal = {
      code: 'repository_unavailable',
      message: expect.stringMatching(/git fetch of .*nowhere.*(not appear|does not exist)/s) as string,
    };
    await expect(bundle.scan()).rejects.toMatchObject(refusal);
    renameSync(repository.folder, path.join(folder.path, 'nowhere'));
    repository = new GitRepository(repository.folder);
    await expect(bundle.scan()).rejects.toMatchObject(refusal);
  });

  test.each([
    [{ ref: 'no-such-branch' }, 'neither a branch nor a tag "no-such-branch"'],
    [{ subfolder: 'no/such' }, 'has no folder "no/such"'],
    [{ subfolder: 'away' }, 'leads out of the repository'],
  ])('with %o is refused, saying what to change', async (changes, message) => {
    symlinkSync('/etc', path.join(repository.folder, 'away'));
    repository.commit({ 'a.ts': '1' });
    await expect(open(changes).scan()).rejects.toMatchObject({
      code: 'bad_configuration',
      message: expect.stringContaining(message) as string,
    });
  });

  test('passes over links that lead out of the repository and follows those within', async () => {
    mkdirSync(path.join(folder.path, 'secrets'));
    writeFileSync(path.join(folder.path, 'secrets/key.ts'), 'secret');
    repository.commit({ 'real/a.ts': '1' });
    symlinkSync('real/a.ts', path.join(repository.folder, 'inside.ts'));
    symlinkSync(path.join(folder.path, 'secrets/key.ts'), path.join(repository.folder, 'file.ts'));
    symlinkSync(path.join(folder.path, 'secrets'), path.join(repository.folder, 'folder'));
    repository.commit({});
    const { files, skipped } = await open().scan();
    expect([...files.keys()]).toEqual(['inside.ts', 'real/a.ts']);
    expect(skipped.map((each) => `${each.path} ${each.reason}`)).toEqual([
      'file.ts is a link that leads out of the repository',
      'folder is a link that leads out of the repository',
    ]);
  });

  test('runs nothing that lies in the repository, and takes no submodule along', async () => {
    const marker = path.join(folder.path, 'ran');
    const other = new GitRepository(path.join(folder.path, 'other'));
    other.commit({ 'evil.ts': 'x' });
    repository.commit({ 'a.ts': '1', '.gitattributes': '*.ts filter=run' });
    repository.git('config', 'filter.run.smudge', `touch ${marker}`);
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other.folder, 'sub');
    repository.commit({});
    const bundle = open();
    const first = await bundle.scan();
    // A hook of the mirror, as somebody might leave one there.
    const hooks = path.join(stateFolder, 'bundles/git/team/mirror.git/hooks');
    mkdirSync(hooks, { recursive: true });
    for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change']) {
      writeFileSync(path.join(hooks, hook), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
    }
    repository.commit({ 'a.ts': '2' });
    refreshed();
    const second = await bundle.scan();
    expect([...first.files.keys(), ...second.files.keys()]).toEqual(['a.ts', 'a.ts']);
    expect(existsSync(marker)).toBe(false);
  });

  test('is in another life what it was, also where somebody has written into the folder of a commit', async () => {
    repository.commit({ 'a.ts': '1' });
    const before = await open().scan();
    writeFileSync(path.join(before.version.bundleFolder, 'a.ts'), 'changed');
    writeFileSync(path.join(before.version.bundleFolder, 'b.ts'), 'new');
    expect((await open().scan()).files).toEqual(before.files);
  });

  test('begins again with a commit whose checking out was cut off', async () => {
    const commit = repository.commit({ 'a.ts': '1' });
    mkdirSync(path.join(stateFolder, 'bundles/git/team/commits', `${commit}.unfinished`), { recursive: true });
    writeFileSync(path.join(stateFolder, 'bundles/git/team/commits', `${commit}.unfinished/left.ts`), '');
    expect([...(await open().scan()).files.keys()]).toEqual(['a.ts']);
  });
});

describe('pruning', () => {
  test('keeps the newest five commits and those that are needed', async () => {
    const bundle = open();
    const all: string[] = [];
    for (let index = 0; index < 8; index += 1) {
      all.push(repository.commit({ 'a.ts': String(index) }));
      refreshed();
      const { version } = await bundle.scan();
      utimesSync(version.manifestFile, 1_000 + index, 1_000 + index);
    }
    await bundle.prune(new Set([all[1] ?? '']));
    expect(commits()).toEqual(all.filter((_, index) => index === 1 || index >= 3).toSorted());
  });
});

describe('a token', () => {
  test('that is not set is an error that names the variable', async () => {
    repository.commit({ 'a.ts': '1' });
    await expect(open({ tokenEnv: 'TEST_GIT_TOKEN_MISSING' }).scan()).rejects.toMatchObject({
      code: 'bad_configuration',
      message: expect.stringContaining('TEST_GIT_TOKEN_MISSING') as string,
    });
  });

  test('reaches git through its environment, and is in no argument and no message', async () => {
    const record = path.join(folder.path, 'record');
    const tools = path.join(folder.path, 'bin');
    mkdirSync(tools);
    const script = `#!/bin/sh\n{ echo "$@"; env; } >> ${record}\necho "remote: bad token $TEST_GIT_TOKEN; $GIT_CONFIG_VALUE_10 $GIT_CONFIG_VALUE_11" >&2\nexit 128\n`;
    writeFileSync(path.join(tools, 'git'), script, { mode: 0o755 });
    const path0 = process.env['PATH'] ?? '';
    process.env['PATH'] = `${tools}:${path0}`;
    process.env['TEST_GIT_TOKEN'] = 'very-secret-token';
    try {
      const failure = await open({ repository: 'https://git.example.com/team/dags.git', tokenEnv: 'TEST_GIT_TOKEN' })
        .scan()
        .catch((error: unknown) => String(error));
      const encoded = Buffer.from('x-access-token:very-secret-token').toString('base64');
      expect(failure).toContain('***');
      for (const secret of ['very-secret-token', encoded]) expect(failure).not.toContain(secret);
      const seen = readFileSync(record, 'utf8');
      expect(seen).toContain(`Authorization: Basic ${encoded}`);
      expect(seen.split('\n')[0]).not.toContain('secret');
      expect(seen).toContain('http.https://git.example.com/team/dags.git.extraHeader');
    } finally {
      process.env['PATH'] = path0;
      delete process.env['TEST_GIT_TOKEN'];
    }
  });

  test('git that is not installed is an error that says so', async () => {
    const path0 = process.env['PATH'] ?? '';
    process.env['PATH'] = folder.path;
    try {
      await expect(open().scan()).rejects.toMatchObject({
        code: 'bad_configuration',
        message: expect.stringContaining('"git" was not found') as string,
      });
    } finally {
      process.env['PATH'] = path0;
    }
  });
});
