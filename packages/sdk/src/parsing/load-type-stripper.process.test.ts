import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const PROGRAM = `
  import { loadTypeStripper } from ${JSON.stringify(path.join(import.meta.dirname, 'load-type-stripper.ts'))};
  const isLoaded = () => process.moduleLoadList.some((name) => name.includes('amaro'));
  const before = isLoaded();
  await loadTypeStripper();
  process.stdout.write(JSON.stringify({ before, after: isLoaded() }));`;

let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(path.join(tmpdir(), 'tradewind-stripper-'));
});

afterEach(async () => {
  await rm(cache, { recursive: true, force: true });
});

test('what strips types is there, though the cache knows every module, and nothing is said of it', async () => {
  await runProgram();
  const { stdout, stderr } = await runProgram();
  expect({ loaded: JSON.parse(stdout) as unknown, stderr }).toEqual({ loaded: { before: false, after: true }, stderr: '' });
});

/** The first run fills the cache for those after it. */
function runProgram(): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    env: { ...process.env, NODE_COMPILE_CACHE: cache, NODE_OPTIONS: '' },
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
}
