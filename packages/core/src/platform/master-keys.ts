import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, TradewindError } from './errors.ts';
import { generateSecret } from './passwords.ts';
import { generateMasterKey, KEY_BYTES, masterKeyOf, type MasterKey } from './secret-box.ts';

/** Where master keys come from: the setting `secrets.key`, or a file of the state folder. */
export interface MasterKeySource {
  readonly stateFolder: string;
  /** Keys in base64, separated by commas; the first seals, all open. Takes the place of the file. */
  readonly configured: string | undefined;
}

/** The file of the state folder that holds the master keys, one a line; the first seals, all open. */
export function masterKeyFile(stateFolder: string): string {
  return path.join(stateFolder, 'secret-key');
}

/**
 * Reads the master keys. Where none is configured and there is no file, an empty list: whoever has no sealed values yet makes one.
 * @throws TradewindError `bad_configuration` for a key that is none, and for a file that others may read
 */
export async function readMasterKeys({ stateFolder, configured }: MasterKeySource): Promise<readonly MasterKey[]> {
  if (configured !== undefined) return parseKeys(configured.split(','), 'the setting secrets.key');
  const file = masterKeyFile(stateFolder);
  let text: string;
  try {
    await requirePrivate(file);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error instanceof TradewindError ? error : cannot('read', file, error);
  }
  return parseKeys(text.split('\n'), file);
}

/**
 * Makes the first master key of a state folder. Of two that try at once one makes it, and both read it.
 * @returns what the file holds now
 */
export async function createMasterKeyFile(stateFolder: string): Promise<readonly MasterKey[]> {
  const file = masterKeyFile(stateFolder);
  const draft = await writeDraft(file, [generateMasterKey()]);
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannot('write', file, error);
  } finally {
    await rm(draft, { force: true });
  }
  return readMasterKeys({ stateFolder, configured: undefined });
}

/** Puts other keys into the file: a reader sees the old ones or the new ones. */
export async function replaceMasterKeyFile(stateFolder: string, keys: readonly MasterKey[]): Promise<void> {
  const file = masterKeyFile(stateFolder);
  const draft = await writeDraft(file, keys);
  try {
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw cannot('write', file, error);
  }
}

function parseKeys(texts: readonly string[], where: string): readonly MasterKey[] {
  const keys = texts.map((text) => text.trim()).filter((text) => text !== '');
  const parsed = keys.map((text) => Buffer.from(text, 'base64url'));
  if (parsed.length > 0 && parsed.every(({ length }) => length === KEY_BYTES)) return parsed.map(masterKeyOf);
  throw new TradewindError(
    'bad_configuration',
    `${where} holds no master key: each is ${KEY_BYTES} random bytes in base64, as "openssl rand -base64 ${KEY_BYTES}" prints them`,
  );
}

async function requirePrivate(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return;
  throw new TradewindError(
    'bad_configuration',
    `${file} can be read by others than its owner: run "chmod 600 ${file}", and rotate the key if others have seen it`,
  );
}

async function writeDraft(file: string, keys: readonly MasterKey[]): Promise<string> {
  const draft = `${file}.${generateSecret(6)}.draft`;
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await using handle = await open(draft, 'wx', 0o600);
    await handle.writeFile(keys.map(({ bytes }) => `${bytes.toString('base64url')}\n`).join(''));
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
