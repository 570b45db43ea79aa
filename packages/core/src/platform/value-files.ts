import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { TradewindError, messageOf } from './errors.ts';
import { isRunId, partsOfKey, referTo, requireRunId, requireWhole } from './value-reference.ts';
import type { StoredValue, ValueReference, ValueStore } from './value-store.ts';

const STORE_NAME = 'file';

/**
 * Keeps large values as files: `<folder>/<dag run id>/<sha256>.json`. A file is written under another name, flushed and renamed, and its folder is flushed, so that a reference
 * that was committed names a whole file after a power loss, too. Several processes may share the folder.
 */
export function openValueFiles(folder: string): ValueStore {
  const root = path.resolve(folder);
  const folderOf = (dagRunId: string): string => path.join(root, requireRunId(dagRunId));
  return {
    name: STORE_NAME,
    async put(dagRunId, json) {
      const text = Buffer.from(json);
      const reference = referTo(STORE_NAME, dagRunId, text);
      await makeFolder(folderOf(dagRunId));
      await writeDurably(fileOf(root, reference.key), text);
      return reference;
    },
    get: async (reference) => readWhole(fileOf(root, reference.key), reference),
    listRuns: async () => (await namesIn(root)).filter(isRunId),
    async listValues(dagRunId) {
      const runFolder = folderOf(dagRunId);
      const values = (await namesIn(runFolder)).map((name) => lookAt(dagRunId, path.join(runFolder, name)));
      return (await Promise.all(values)).filter((value) => value !== undefined);
    },
    removeRun: async (dagRunId) => rm(folderOf(dagRunId), { recursive: true, force: true }),
    removeValue: async (key) => rm(fileOf(root, key), { force: true }),
    close: () => {},
  };
}

function fileOf(root: string, key: string): string {
  return path.join(root, ...partsOfKey(key));
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  // A folder is in its parent only once that is flushed.
  if (first !== undefined) await flush(path.dirname(folder));
}

async function writeDurably(file: string, content: Buffer): Promise<void> {
  const unfinished = `${file}.${randomUUID()}.part`;
  try {
    const handle = await open(unfinished, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
    await flush(path.dirname(file));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readWhole(file: string, reference: ValueReference): Promise<string> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    const problem = isMissing(error) ? 'is missing' : `cannot be read: ${messageOf(error)}`;
    throw new TradewindError('value_unreadable', `the file of the value ${problem}: ${file}`, { cause: error });
  }
  return requireWhole(content, reference, file);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Undefined where somebody has removed it meanwhile. */
async function lookAt(dagRunId: string, file: string): Promise<StoredValue | undefined> {
  try {
    const { mtimeMs } = await stat(file);
    return { key: `${dagRunId}/${path.basename(file)}`, writtenAt: mtimeMs };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
