import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireEnvironmentLock } from './environment-lock.ts';

const MODULE = path.join(import.meta.dirname, 'environment-lock.ts');
const STARTED_AT = Date.parse('2026-11-21T10:00:00Z');
const NOBODY = 65_534;
const me = { pid: process.pid, startedAt: STARTED_AT };

let folder: string;
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-lock-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) await end(child);
  await chmod(folder, 0o755);
  await rm(folder, { recursive: true, force: true });
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** A process that takes the lock, prints `taken` or the error's code and message, and stays. */
async function startHolder({ shell, user }: { readonly shell?: string; readonly user?: number } = {}): Promise<{
  child: ChildProcess;
  said: string;
}> {
  const program = `
    const { acquireEnvironmentLock } = await import(${JSON.stringify(MODULE)});
    try {
      acquireEnvironmentLock(${JSON.stringify(folder)}, { pid: process.pid, startedAt: ${STARTED_AT}, address: 'http://127.0.0.1:8080' });
      globalThis.gc();
      console.log('taken');
      setInterval(() => {}, 1_000);
    } catch (error) {
      console.log(error.code + ' ' + error.message);
    }`;
  const args = ['--expose-gc', '--input-type=module', '--eval', program];
  const ids = user === undefined ? {} : { uid: user, gid: user };
  const child =
    shell === undefined
      ? spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/', ...ids })
      : spawn('sh', ['-c', `${shell}; exec "$0" "$@"`, process.execPath, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return { child, said: line.toString().trim() };
}

test('a second process is told who has the environment, since when and where', async () => {
  const { child, said } = await startHolder();
  expect(said).toBe('taken');
  const holder = `process ${child.pid} since 2026-11-21T10:00:00.000Z, at http://127.0.0.1:8080`;
  const message = `the environment in ${folder} is already run by ${holder}. Use that one, or end it before you start another.`;
  expect(() => acquireEnvironmentLock(folder, me)).toThrow(expect.objectContaining({ code: 'environment_running', message }));
});

test('the environment is free at once when its holder was killed', async () => {
  const { child } = await startHolder();
  await end(child);
  const lock = acquireEnvironmentLock(folder, me);
  expect((await startHolder()).said).toContain(`environment_running the environment in ${folder} is already run by process ${process.pid}`);
  lock.release();
});

test('a released environment can be taken again, by this process and by others', async () => {
  const lock = acquireEnvironmentLock(folder, me);
  expect(() => acquireEnvironmentLock(folder, me)).toThrow('already run by process');
  lock.release();
  lock.release();
  expect(await readdir(folder)).toEqual(['lock.sqlite']);
  acquireEnvironmentLock(folder, me).release();
  expect((await startHolder()).said).toBe('taken');
});

test('of many processes that start at once one has the environment', async () => {
  const holders = await Promise.all(Array.from({ length: 6 }, () => startHolder()));
  const refused = holders.filter(({ said }) => said.startsWith('environment_running '));
  expect(holders.filter(({ said }) => said === 'taken')).toHaveLength(1);
  expect(refused).toHaveLength(5);
});

test('an address that is known later is told to others', () => {
  const lock = acquireEnvironmentLock(folder, me);
  lock.setAddress('http://127.0.0.1:9090');
  expect(() => acquireEnvironmentLock(folder, me)).toThrow('at http://127.0.0.1:9090');
  lock.release();
});

test('a folder that does not exist is refused with its path', () => {
  const missing = path.join(folder, 'missing');
  expect(() => acquireEnvironmentLock(missing, me)).toThrow(
    expect.objectContaining({
      code: 'database_unavailable',
      message: expect.stringContaining(path.join(missing, 'lock.sqlite')) as string,
    }),
  );
});

test('a folder that may not be written is refused with its path', async () => {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(folder, 0, 0);
  await chmod(folder, 0o555);
  const { said } = await startHolder(isRoot ? { user: NOBODY } : {});
  expect(said).toContain('database_unavailable the lock');
  expect(said).toContain(path.join(folder, 'lock.sqlite'));
});

test('a full disk is refused, and leaves the environment free', async () => {
  // No file may grow beyond nothing: what a full disk does, without filling one.
  const { said } = await startHolder({ shell: 'ulimit -f 0' });
  expect(said).toContain('database_full cannot write');
  expect(said).toContain('The disk is full: free space.');
  acquireEnvironmentLock(folder, me).release();
});
