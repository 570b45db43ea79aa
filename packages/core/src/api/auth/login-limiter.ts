import type { Clock } from '../../platform/clock.ts';

/** OWASP ASVS: few guesses for each account and address. */
const MOST_ATTEMPTS = 5;
/** And more, but not endlessly many, from one address whatever the account: each costs a tenth of a second of a core. */
const MOST_ATTEMPTS_OF_ADDRESS = 30;
const WINDOW_MS = 60_000;
/** An attacker must not fill the memory with names. */
const MOST_KEYS = 10_000;

/** Counts login attempts. */
export interface LoginLimiter {
  /** Counts an attempt. Returns how many seconds to wait where there were too many, else undefined. */
  attempt(username: string, address: string): number | undefined;
  /** Forgets the attempts of an account at an address, after it logged in. */
  succeeded(username: string, address: string): void;
}

/** Allows five attempts a minute for each account and address. */
export function createLoginLimiter(clock: Clock): LoginLimiter {
  /** When each key's newest attempts were, oldest first. */
  const attempts = new Map<string, number[]>();
  const accountKey = (username: string, address: string): string => JSON.stringify([address, username]);

  const waitOf = (key: string, most: number, now: number): number => {
    const recent = (attempts.get(key) ?? []).filter((at) => at > now - WINDOW_MS);
    attempts.delete(key);
    attempts.set(key, recent);
    const oldest = recent.length >= most ? recent[recent.length - most] : undefined;
    return oldest === undefined ? 0 : oldest + WINDOW_MS - now;
  };

  return {
    attempt(username, address) {
      const now = clock.monotonicMs();
      const account = accountKey(username, address);
      const waitMs = Math.max(waitOf(account, MOST_ATTEMPTS, now), waitOf(address, MOST_ATTEMPTS_OF_ADDRESS, now));
      if (waitMs > 0) return Math.ceil(waitMs / 1_000);
      attempts.get(account)?.push(now);
      attempts.get(address)?.push(now);
      for (const key of attempts.keys()) {
        if (attempts.size <= MOST_KEYS) break;
        attempts.delete(key);
      }
      return undefined;
    },
    succeeded(username, address) {
      attempts.delete(accountKey(username, address));
    },
  };
}
