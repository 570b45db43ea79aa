import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from './config.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-bundles-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function load(...bundles: readonly Record<string, unknown>[]) {
  writeFileSync(path.join(folder, 'tradewind.json'), JSON.stringify({ bundles }));
  return loadConfig(folder, {}).bundles;
}

const git = (changes: Record<string, unknown> = {}) => ({ name: 'team', kind: 'git', repository: 'https://example.com/a.git', ...changes });

test('folders and repositories on this machine are found from the environment’s folder', () => {
  expect(load({ name: 'shared', kind: 'local', folder: 'more' }, git({ repository: '../origin' }))).toEqual([
    { name: 'shared', kind: 'local', folder: path.join(folder, 'more') },
    { name: 'team', kind: 'git', repository: path.resolve(folder, '../origin'), ref: 'main', subfolder: '', refreshSeconds: 300 },
  ]);
});

test.each(['https://example.com/a.git', 'ssh://git@example.com:22/a', 'git@example.com:team/a.git', 'file:///srv/a.git'])(
  '%s is an address',
  (repository) => {
    expect(load(git({ repository }))).toMatchObject([{ repository }]);
  },
);

test.each<[string, readonly Record<string, unknown>[], string]>([
  ['two bundles of one name', [git(), git()], 'name of another bundle'],
  ['the name of the environment’s own folder', [git({ name: 'dags-folder' })], 'take another one'],
  ['a name that leads elsewhere', [git({ name: '../x' })], 'bundles.0.name'],
  ['a password in the address', [git({ repository: 'https://user:secret@example.com/a.git' })], 'tokenEnv'],
  ['a token in the address', [git({ repository: 'https://token@example.com/a.git' })], 'tokenEnv'],
  ['an address that runs a command', [git({ repository: 'ext::sh -c id' })], 'takes an address'],
  ['an address that is an option', [git({ repository: '--upload-pack=id' })], 'address of a repository'],
  ['a ref that is an option', [git({ ref: '--all' })], 'name of a branch'],
  ['a subfolder that leads out', [git({ subfolder: 'a/../../b' })], 'path within the repository'],
  ['a subfolder that is absolute', [git({ subfolder: '/etc' })], 'path within the repository'],
  ['the token itself in place of its variable', [git({ tokenEnv: 'ghp-123' })], 'not the token itself'],
  ['a kind that there is not', [{ name: 'a', kind: 's3', bucket: 'b' }], 'kind'],
])('%s is refused, and the setting named', (_what, bundles, message) => {
  expect(() => load(...bundles)).toThrow(
    expect.objectContaining({ code: 'bad_configuration', message: expect.stringContaining(message) as string }) as Error,
  );
});
