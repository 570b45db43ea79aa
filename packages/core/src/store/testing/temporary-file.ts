import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach } from 'vitest';

/** Returns a function that gives paths of files that do not exist yet, each in a folder of its own that is removed after the test. */
export function temporaryFile(): () => Promise<string> {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });
  return async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tradewind-'));
    folders.push(folder);
    return path.join(folder, 'tradewind.sqlite');
  };
}
