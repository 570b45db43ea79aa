import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';

/** OWASP's Password Storage Cheat Sheet, scrypt: N = 2^15, r = 8, p = 3; 32 MiB for each check. */
const COST = { N: 32_768, r: 8, p: 3 } as const;
const MEMORY_LIMIT_BYTES = 64 * 1_048_576;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** 24 bytes are 192 bits, in 32 characters of base64url. */
const PASSWORD_BYTES = 24;
const HASH_FORMAT = /^scrypt\$(\d{1,7})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})$/;

const derive = promisify(scrypt) as (password: string, salt: Uint8Array, length: number, options: ScryptOptions) => Promise<Buffer>;

/** What a password is stored as: `scrypt$N$r$p$salt$hash`. Takes about a tenth of a second, off the main thread. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password.normalize('NFKC'), salt, HASH_BYTES, { ...COST, maxmem: MEMORY_LIMIT_BYTES });
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Whether a password is the one behind a hash; false, too, for a text that is no hash. Takes the same time either way. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const match = HASH_FORMAT.exec(stored);
  if (match === null) return false;
  const [, cost, blockSize, parallelization, salt = '', expected = ''] = match;
  const hash = await derive(password.normalize('NFKC'), Buffer.from(salt, 'base64url'), HASH_BYTES, {
    N: Number(cost),
    r: Number(blockSize),
    p: Number(parallelization),
    maxmem: MEMORY_LIMIT_BYTES,
  });
  return timingSafeEqual(hash, Buffer.from(expected, 'base64url'));
}

/** A password that nobody guesses, for a file that only its owner can read. */
export function generatePassword(): string {
  return generateSecret(PASSWORD_BYTES);
}

/**
 * Random bytes of the operating system as base64url. Secrets never come from the port `Random`: a simulation's seed would make them known.
 */
export function generateSecret(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}
