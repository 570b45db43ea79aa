/**
 * Sealing values for the database: AES-256-GCM in envelope form (adr/0014). A value is sealed with a data key, a data key with a master key that is not in the
 * database. What a value is bound to (its table, row and column) is authenticated with it, so a sealed value that was moved to another row does not open.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { TradewindError } from './errors.ts';

const ALGORITHM = 'aes-256-gcm';
export const KEY_BYTES = 32;
/** NIST SP 800-38D: 96 bits; random ones suffice for 2^32 values under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'tw1';
const SEALED = /^tw1:([\w-]{1,64}):([\w-]{16}):([\w-]+)$/;

/** A key that data keys are sealed with, named by a fingerprint of itself. */
export interface MasterKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** A data key as the database keeps it. */
export interface WrappedDataKey {
  readonly id: string;
  readonly wrapped: string;
  readonly masterKeyId: string;
}

/** A data key that values can be sealed with. */
export interface DataKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Seals and opens values with the data keys that it was given. */
export class SecretBox {
  #keys: ReadonlyMap<string, Buffer>;
  #newest: DataKey;

  /** @param keys at least one; the last is the one to seal with */
  constructor(keys: readonly DataKey[]) {
    [this.#keys, this.#newest] = readKeys(keys);
  }

  /** Id of the key that values are sealed with. */
  get newestKeyId(): string {
    return this.#newest.id;
  }

  /** Works with other keys from here on: after a rotation. */
  replaceKeys(keys: readonly DataKey[]): void {
    [this.#keys, this.#newest] = readKeys(keys);
  }

  /**
   * The sealed form of a text, as text.
   * @param place where the value belongs: `variable|region|value`; it opens nowhere else
   */
  seal(text: string, place: string): string {
    const { id, bytes } = this.#newest;
    return `${VERSION}:${id}:${encrypt(bytes, Buffer.from(text, 'utf8'), `${place}|${id}`)}`;
  }

  /**
   * The text behind a sealed value.
   * @throws TradewindError `secret_unreadable` where it was sealed with a key that is not known, for another place, or was changed
   */
  open(sealed: string, place: string): string {
    const [, id = '', nonce = '', body = ''] = SEALED.exec(sealed) ?? [];
    const key = this.#keys.get(id);
    if (key === undefined) {
      throw unreadable(
        place,
        id === '' ? 'it is not in the form of a sealed value' : `it was sealed with the data key "${id}", which is not there`,
      );
    }
    try {
      return decrypt(key, nonce, body, `${place}|${id}`).toString('utf8');
    } catch (error) {
      throw unreadable(place, 'it was changed, or belongs to another row', error);
    }
  }

  /** Whether a value was sealed with an older key than new ones are. */
  isOutdated(sealed: string): boolean {
    return SEALED.exec(sealed)?.[1] !== this.#newest.id;
  }
}

/** Whether an error says that a sealed value does not open. */
export function isUnreadableSecret(error: unknown): boolean {
  return error instanceof TradewindError && error.code === 'secret_unreadable';
}

/** Opens sealed values. Another process may have sealed them with a key that is younger than what this one has read: what does not open is tried once more with the keys as they are now. */
export async function openWithNewestKeys<Value>(open: () => Value | Promise<Value>, refreshKeys: () => Promise<void>): Promise<Value> {
  try {
    return await open();
  } catch (error) {
    if (!isUnreadableSecret(error)) throw error;
    await refreshKeys();
    return open();
  }
}

/** A new data key, random. */
export function generateDataKey(): DataKey {
  return { id: randomBytes(9).toString('base64url'), bytes: randomBytes(KEY_BYTES) };
}

/** A new master key, random. */
export function generateMasterKey(): MasterKey {
  return masterKeyOf(randomBytes(KEY_BYTES));
}

/** A master key of 32 bytes, with its fingerprint, which tells nothing about it. */
export function masterKeyOf(bytes: Buffer): MasterKey {
  return { id: createHmac('sha256', bytes).update('tradewind master key').digest('base64url').slice(0, 12), bytes };
}

/** Seals a data key with a master key. */
export function wrapDataKey(master: MasterKey, { id, bytes }: DataKey): WrappedDataKey {
  return { id, wrapped: encrypt(master.bytes, bytes, dataKeyPlace(id, master.id)), masterKeyId: master.id };
}

/**
 * Opens a data key. This is also what checks the master key: a wrong one opens no data key, and an environment always has one.
 * @throws TradewindError `bad_configuration` where the master key is another one
 */
export function unwrapDataKey(masters: readonly MasterKey[], { id, wrapped, masterKeyId }: WrappedDataKey): DataKey {
  const master = masters.find((one) => one.id === masterKeyId);
  if (master === undefined) {
    const known = masters.map((one) => one.id).join(', ');
    throw new TradewindError(
      'bad_configuration',
      `the secrets of this environment are sealed with the master key ${masterKeyId}, and the one that is configured is ${known}: ` +
        'put the right key back (setting secrets.key, or the file secret-key in the state folder), or restore it from the backup that belongs to this database',
    );
  }
  const [nonce = '', body = ''] = wrapped.split(':');
  try {
    return { id, bytes: decrypt(master.bytes, nonce, body, dataKeyPlace(id, masterKeyId)) };
  } catch (error) {
    throw new TradewindError(
      'bad_configuration',
      `the data key "${id}" in the database does not open with its master key: it was changed; restore a backup`,
      {
        cause: error,
      },
    );
  }
}

function readKeys(keys: readonly DataKey[]): [ReadonlyMap<string, Buffer>, DataKey] {
  const newest = keys.at(-1);
  if (newest === undefined) throw new TradewindError('internal', 'there is no data key to seal with');
  return [new Map(keys.map(({ id, bytes }) => [id, bytes])), newest];
}

function dataKeyPlace(id: string, masterKeyId: string): string {
  return `data_key|${id}|wrapped|${masterKeyId}`;
}

function encrypt(key: Buffer, plain: Buffer, place: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(place, 'utf8'));
  const body = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return `${nonce.toString('base64url')}:${body.toString('base64url')}`;
}

function decrypt(key: Buffer, nonce: string, text: string, place: string): Buffer {
  const body = Buffer.from(text, 'base64url');
  const end = body.length - TAG_BYTES;
  if (end < 0) throw new RangeError('the sealed value is too short');
  const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(nonce, 'base64url'), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(place, 'utf8'));
  decipher.setAuthTag(body.subarray(end));
  return Buffer.concat([decipher.update(body.subarray(0, end)), decipher.final()]);
}

function unreadable(place: string, reason: string, cause?: unknown): TradewindError {
  return new TradewindError(
    'secret_unreadable',
    `the value of ${place.replaceAll('|', ' ')} cannot be read: ${reason}. Set it again, or restore the backup that belongs to the master key.`,
    { cause },
  );
}
