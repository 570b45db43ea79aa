import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { TradewindError, messageOf } from '../../platform/errors.ts';
import { generateSecret } from '../../platform/passwords.ts';

/** Readable and writable by its owner alone. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** Reads a file of the state folder. Returns undefined where it does not exist. */
export async function readPrivateFile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannot('read', file, error);
  }
}

/** Writes a file that does not exist yet: whole or not at all, whoever else tries. Returns false where it exists. */
export async function createPrivateFile(file: string, text: string): Promise<boolean> {
  const draft = await writeDraft(file, text);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cannot('write', file, error);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Writes a file in the place of the one that is there: a reader sees the old text or the new one. */
export async function replacePrivateFile(file: string, text: string): Promise<void> {
  const draft = await writeDraft(file, text);
  try {
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw cannot('write', file, error);
  }
}

async function writeDraft(file: string, text: string): Promise<string> {
  const draft = `${file}.${generateSecret(6)}.draft`;
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: PRIVATE_FOLDER });
    await using handle = await open(draft, 'wx', PRIVATE_FILE);
    await handle.writeFile(text);
    await handle.sync();
    return draft;
  } catch (error) {
    await rm(draft, { force: true });
    throw cannot('write', file, error);
  }
}

function cannot(what: 'read' | 'write', file: string, cause: unknown): TradewindError {
  return new TradewindError('bad_configuration', `cannot ${what} ${file}: ${messageOf(cause)}. Check the folder, its owner and the disk.`, {
    cause,
  });
}
