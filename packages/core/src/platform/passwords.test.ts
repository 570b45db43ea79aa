import { describe, expect, test } from 'vitest';
import { generatePassword, generateSecret, hashPassword, verifyPassword } from './passwords.ts';

describe('passwords', () => {
  test('are known again by their hash, in either spelling of a character, and no other is', async () => {
    const hash = await hashPassword('cafe\u0301');
    expect(await verifyPassword('caf\u00e9', hash)).toBe(true);
    expect(await verifyPassword('Cafe\u0301', hash)).toBe(false);
  });

  test('have another hash each time, at the cost that OWASP names', async () => {
    const [first, second] = [await hashPassword('secret'), await hashPassword('secret')];
    expect(first).toMatch(/^scrypt\$32768\$8\$3\$/);
    expect(second).not.toBe(first);
  });

  test.each(['', 'plain', 'scrypt$32768$8$3$short$short', 'scrypt$1$1$1$AAAAAAAAAAAAAAAAAAAAAA$'])(
    'fit no text that is no hash: %s',
    async (stored) => {
      expect(await verifyPassword('secret', stored)).toBe(false);
    },
  );

  test('that are made up never repeat', () => {
    const made = Array.from({ length: 1_000 }, () => generatePassword());
    expect(new Set(made).size).toBe(1_000);
    expect(Buffer.from(generateSecret(32), 'base64url')).toHaveLength(32);
  });
});
