import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import { readPrivateFile, replacePrivateFile } from './private-file.ts';

/** Tokens that were given up before they expired. */
export interface RevokedTokens {
  has(tokenId: string): boolean;
  /**
   * Gives a token up, for good once the promise is kept: the list survives a restart. Idempotent.
   * @param expiresAt seconds since the epoch, after which the token is void anyway and leaves the list
   */
  add(tokenId: string, expiresAt: number): Promise<void>;
}

const fileSchema = z.record(z.string(), z.number());

/** Opens the list, `revoked-tokens.json` in the state folder. */
export async function openRevokedTokens(stateFolder: string, clock: Clock): Promise<RevokedTokens> {
  const file = path.join(stateFolder, 'revoked-tokens.json');
  const revoked = parseRevoked(file, await readPrivateFile(file));
  let saved: Promise<void> = Promise.resolve();

  const save = async (): Promise<void> => {
    const now = clock.now() / 1_000;
    for (const [tokenId, expiresAt] of revoked) if (expiresAt <= now) revoked.delete(tokenId);
    await replacePrivateFile(file, JSON.stringify(Object.fromEntries(revoked)));
  };

  return {
    has: (tokenId) => revoked.has(tokenId),
    async add(tokenId, expiresAt) {
      revoked.set(tokenId, expiresAt);
      // One after the other, and each writes the whole list: none can put back an older one. A failed write leaves the turn to the next.
      saved = saved.catch(() => {}).then(save);
      await saved;
    },
  };
}

function parseRevoked(file: string, text: string | undefined): Map<string, number> {
  if (text === undefined) return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return new Map(Object.entries(parsed.data));
  // Without the list, tokens of people who have logged out would be good again.
  throw new TradewindError(
    'bad_configuration',
    `${file} is damaged. Delete it together with jwt-secret: then every token is void, and people log in again.`,
  );
}
