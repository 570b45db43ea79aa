import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-reads-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('a process whose read thread died leaves no thread behind: it ends by itself once its reads are closed', async () => {
  const program = `
    import { DatabaseSync } from 'node:sqlite';
    import { Kysely } from 'kysely';
    import { createReadThread } from ${JSON.stringify(path.join(import.meta.dirname, 'read-thread.ts'))};
    const file = ${JSON.stringify(path.join(folder, 'notes.sqlite'))};
    const reads = new Kysely({ dialect: createReadThread(file) });
    const readNotes = () => reads.selectFrom('note').selectAll().execute();
    const [died] = await Promise.allSettled([readNotes()]);
    const connection = new DatabaseSync(file);
    connection.exec('create table note (id integer)');
    connection.close();
    await readNotes();
    await readNotes();
    await reads.destroy();
    process.stdout.write(died.status);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect({ exitCode, signal, output: Buffer.concat(output).toString() }).toEqual({ exitCode: 0, signal: null, output: 'rejected' });
});
