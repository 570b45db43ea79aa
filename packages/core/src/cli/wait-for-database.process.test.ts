import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { administerPostgres, urlOfDatabase } from '../store/testing/administer-postgres.ts';
import { startPostgres, type PostgresServer } from '../store/testing/postgres-server.ts';
import { createTestFolder, type TestFolder } from './testing/test-folder.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/tradewind.mjs');

/** A user of the server who needs a password; everybody else comes in without one. */
const GUARDED = 'host all guarded 127.0.0.1/32 scram-sha-256\n';

let serverFolder: string;
let server: PostgresServer;
let folder: TestFolder;
const started: ChildProcess[] = [];

beforeAll(async () => {
  serverFolder = await mkdtemp(path.join(tmpdir(), 'tradewind-wait-'));
  server = await startPostgres({ folder: serverFolder, fsync: false });
  await administerPostgres(server.url, `create role guarded login password 'right'`);
  const rules = path.join(serverFolder, 'data/pg_hba.conf');
  await writeFile(rules, GUARDED + (await readFile(rules, 'utf8')));
  await administerPostgres(server.url, 'select pg_reload_conf()');
});

afterAll(async () => {
  await server.stop();
  await rm(serverFolder, { recursive: true, force: true });
});

beforeEach(() => {
  folder = createTestFolder({ 'tradewind.json': '{}' });
});

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  folder[Symbol.dispose]();
});

/** Starts the environment on this database. */
function standalone(url: string, timeoutSeconds: string) {
  const env = {
    ...process.env,
    TRADEWIND__DATABASE__URL: url,
    TRADEWIND__DATABASE__CONNECT_TIMEOUT_SECONDS: timeoutSeconds,
    TRADEWIND__API__PORT: '0',
  };
  const child = spawn(process.execPath, [PROGRAM, 'standalone', '--folder', folder.path], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += String(chunk)));
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number | null);
  return { child, said, ended };
}

/** Waits until the environment has said something. */
function hear(said: { readonly stdout: string; readonly stderr: string }, on: 'stdout' | 'stderr', text: string): Promise<void> {
  return vi.waitFor(() => {
    expect(said[on]).toContain(text);
  }, 30_000);
}

test('an environment that is started before its database waits for it', async () => {
  await server.stop();
  const { child, said, ended } = standalone(server.url, '60');
  await hear(said, 'stderr', 'waiting for the database');
  expect(said.stderr).toContain('PostgreSQL does not answer');
  await server.restart();
  await hear(said, 'stdout', 'is at http://');
  expect(said.stderr).toContain('the database answers');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('an environment whose database does not come ends with 1 and says why', async () => {
  await server.stop();
  try {
    const { said, ended } = standalone(server.url, '0.5');
    expect(await ended).toBe(1);
    expect(said.stderr).toMatch(/tradewind: PostgreSQL does not answer: .*ECONNREFUSED/);
    expect(said.stdout).toBe('');
  } finally {
    await server.restart();
  }
});

test('an environment that waits for its database ends when it is told to', async () => {
  await server.stop();
  try {
    const { child, said, ended } = standalone(server.url, '60');
    await hear(said, 'stderr', 'waiting for the database');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  } finally {
    await server.restart();
  }
});

test.each([
  ['a database that there is not', (url: string) => urlOfDatabase(url, 'nowhere'), 'database "nowhere" does not exist'],
  ['a wrong password', (url: string) => url.replace('tradewind@', 'guarded:wrong@'), 'password authentication failed for user "guarded"'],
  ['a user that there is not', (url: string) => url.replace('tradewind@', 'nobody@'), 'role "nobody" does not exist'],
])('%s fails at once', async (_what, change, message) => {
  const { said, ended } = standalone(change(server.url), '60');
  expect(await ended).toBe(2);
  expect(said.stderr).toContain(message);
  expect(said.stderr).not.toContain('waiting');
  expect(said.stderr).not.toContain('wrong');
});
