import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Authentication } from '../api/auth/authentication.ts';
import type { Clock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';

/** How a command on the same machine reaches a running environment. The file that holds it can be read by its owner alone. */
export interface EnvironmentFile {
  readonly pid: number;
  readonly address: string;
  /** Bearer token of the administrator. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** The token is renewed with every start; an environment that runs for longer than this asks people to log in. */
const TOKEN_SECONDS = 366 * 86_400;

/** Writes the file, and takes it away again when the environment stops. */
export async function announceEnvironment(
  config: EnvironmentConfig,
  { address, authentication }: { readonly address: string; readonly authentication: Authentication },
  { clock, onStop }: { readonly clock: Clock; readonly onStop: (close: () => Promise<void>) => void },
): Promise<void> {
  const token = authentication.issueToken('admin', 'admin', TOKEN_SECONDS);
  const content: EnvironmentFile = { pid: process.pid, address, token, startedAt: clock.now() };
  const file = environmentFile(config);
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, JSON.stringify(content), { mode: 0o600 });
  await rename(draft, file);
  onStop(() => rm(file, { force: true }));
}

/** Reads the file of an environment; undefined where it does not say that one runs. The process may have died since. */
export async function readEnvironmentFile(config: EnvironmentConfig): Promise<EnvironmentFile | undefined> {
  try {
    return JSON.parse(await readFile(environmentFile(config), 'utf8')) as EnvironmentFile;
  } catch {
    return undefined;
  }
}

function environmentFile({ stateFolder }: EnvironmentConfig): string {
  return path.join(stateFolder, 'environment.json');
}
