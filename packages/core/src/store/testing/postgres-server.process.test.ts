import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { administerPostgres } from './administer-postgres.ts';
import { startPostgres, type PostgresServer } from './postgres-server.ts';

let folder: string;
let server: PostgresServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-postgres-test-'));
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  // The server may end between two calls: the next call says so, and nobody listens in between.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('keeps what was committed when its main process is killed and it is restarted on the same port', async () => {
  server = await startPostgres({ folder });
  const { url, pid } = server;
  await administerPostgres(url, 'create table note (words text)');
  await administerPostgres(url, `insert into note values ('kept')`);
  process.kill(pid, 'SIGKILL');
  await server.restart();
  expect(server.pid).not.toBe(pid);
  expect(server.url).toBe(url);
  expect(await ask(url, 'select words from note')).toEqual([{ words: 'kept' }]);
  expect(await ask(url, 'show fsync')).toEqual([{ fsync: 'on' }]);
});

test('leaves no process behind when it is stopped, however often', async () => {
  server = await startPostgres({ folder, fsync: false, settings: { max_connections: '7' } });
  const { pid, url } = server;
  expect(await ask(url, 'show fsync')).toEqual([{ fsync: 'off' }]);
  expect(await ask(url, 'show max_connections')).toEqual([{ max_connections: '7' }]);
  await server.stop();
  await server.stop();
  expect(isAlive(pid)).toBe(false);
});

test('says what PostgreSQL said when it cannot start', async () => {
  await expect(startPostgres({ folder, settings: { shared_buffers: 'plenty' } })).rejects.toMatchObject({
    code: 'bad_configuration',
    message: expect.stringContaining('invalid value for parameter "shared_buffers"') as string,
  });
});

test('names the port when it is taken', async () => {
  server = await startPostgres({ folder });
  const port = Number(new URL(server.url).port);
  const other = path.join(folder, 'other');
  await expect(startPostgres({ folder: other, port })).rejects.toThrow(new RegExp(`port ${port}|Address already in use`));
});

test('ends when the process that started it is killed', async () => {
  const program = `
    const { startPostgres } = await import(${JSON.stringify(path.join(import.meta.dirname, 'postgres-server.ts'))});
    const server = await startPostgres({ folder: ${JSON.stringify(folder)} });
    console.log(server.url);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const url = line.toString().trim();
  expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(ask(url, 'select 1')).rejects.toThrow('ECONNREFUSED'), { timeout: 10_000 });
});
