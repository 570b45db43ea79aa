import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const NEVER_SET = { NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: undefined };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-compile-cache-'));
  await writeFile(path.join(folder, 'thread.ts'), `import { parentPort } from 'node:worker_threads'; parentPort?.postMessage('started');`);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('a thread finds its types stripped where the process that starts it does', async () => {
  await startThread(`module.enableCompileCache(${JSON.stringify(path.join(folder, 'cache'))}); shareCompileCache();`);
  const [version = ''] = await readdir(path.join(folder, 'cache'));
  expect(await readdir(path.join(folder, 'cache', version))).not.toEqual([]);
});

test('a process without a compile cache has no use for one', async () => {
  expect(await startThread('shareCompileCache();')).toBe('undefined');
});

/** Starts a thread in a process of its own, which imports nothing else after `first`; returns the folder that the process then names to others. */
async function startThread(first: string): Promise<string> {
  const program = `
    import module from 'node:module';
    import { Worker } from 'node:worker_threads';
    import { shareCompileCache } from ${JSON.stringify(path.join(import.meta.dirname, 'compile-cache.ts'))};
    ${first}
    const thread = new Worker(${JSON.stringify(path.join(folder, 'thread.ts'))}, { execArgv: [] });
    await new Promise((resolve) => thread.once('message', resolve));
    await thread.terminate();
    process.stdout.write(String(process.env.NODE_COMPILE_CACHE));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, ...NEVER_SET },
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  return stdout;
}
