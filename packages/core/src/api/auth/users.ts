import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../platform/clock.ts';
import { TradewindError, messageOf } from '../../platform/errors.ts';
import { generatePassword, hashPassword } from '../../platform/passwords.ts';
import type { ReadableDags } from '../../store/reads/query-parts.ts';
import { createPrivateFile, readPrivateFile, replacePrivateFile } from './private-file.ts';
import { ROLES, type Role } from './principal.ts';

/** Somebody who may log in. */
export interface User {
  readonly username: string;
  readonly role: Role;
  readonly passwordHash: string;
  readonly readableDags: ReadableDags;
  /** Tokens from before are void. Milliseconds since the epoch. */
  readonly changedAt: number;
}

/** The people of an environment: a file of its own, read again whenever it changed. */
export interface Users {
  /** Looks somebody up. A user who was taken out of the file is gone with the next request. */
  find(username: string): Promise<User | undefined>;
}

/** The administrator that the first start makes. */
export interface CreatedAdmin {
  readonly username: string;
  readonly password: string;
  /** Where the password is kept for its owner. */
  readonly file: string;
}

const ADMIN = 'admin';

const usersFileSchema = z.strictObject({
  users: z.array(
    z.strictObject({
      username: z.string().min(1).max(250),
      role: z.enum(ROLES),
      password: z.string(),
      changed_at: z.iso.datetime(),
      /** Dags that the user may read. */
      dags: z.union([z.literal('all'), z.array(z.string())]),
    }),
  ),
});

/**
 * Opens the users of an environment, `users.json` in its state folder. Where there is no such file, makes it with an administrator whose random
 * password is written to `admin-password` beside it.
 *
 * @throws TradewindError `bad_configuration` where the file cannot be read or is not what it should be
 */
export async function openUsers(
  stateFolder: string,
  clock: Clock,
): Promise<{ readonly users: Users; readonly createdAdmin: CreatedAdmin | undefined }> {
  const file = path.join(stateFolder, 'users.json');
  const createdAdmin = (await readPrivateFile(file)) === undefined ? await createAdmin(stateFolder, file, clock) : undefined;
  const readUsers = createReader(file);
  await readUsers();
  return { createdAdmin, users: { find: async (username) => (await readUsers()).get(username) } };
}

/** The password is written first: whoever finds the users also finds the way in. */
async function createAdmin(stateFolder: string, file: string, clock: Clock): Promise<CreatedAdmin | undefined> {
  const password = generatePassword();
  const passwordFile = path.join(stateFolder, 'admin-password');
  await replacePrivateFile(passwordFile, `${password}\n`);
  const admin = {
    username: ADMIN,
    role: 'admin',
    password: await hashPassword(password),
    changed_at: new Date(clock.now()).toISOString(),
    dags: 'all',
  };
  const isOurs = await createPrivateFile(file, `${JSON.stringify({ users: [admin] }, null, 2)}\n`);
  return isOurs ? { username: ADMIN, password, file: passwordFile } : undefined;
}

/** Reads the file only where its time or size is another than last time. */
function createReader(file: string): () => Promise<ReadonlyMap<string, User>> {
  let stamp: string | undefined;
  let users: ReadonlyMap<string, User> = new Map();
  return async () => {
    const { mtimeMs, size, ino } = await stat(file).catch((cause: unknown) => {
      throw new TradewindError('bad_configuration', `cannot read the users in ${file}: ${messageOf(cause)}`, { cause });
    });
    const current = `${mtimeMs} ${size} ${ino}`;
    if (current !== stamp) {
      users = parseUsers(file, (await readPrivateFile(file)) ?? '');
      stamp = current;
    }
    return users;
  };
}

function parseUsers(file: string, text: string): ReadonlyMap<string, User> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TradewindError(
      'bad_configuration',
      `${file} is not JSON: ${messageOf(cause)}. Correct it, or delete it to start anew with an administrator.`,
      { cause },
    );
  }
  const parsed = usersFileSchema.safeParse(value);
  if (!parsed.success) {
    throw new TradewindError('bad_configuration', `${file} does not hold users as it should: ${z.prettifyError(parsed.error)}`);
  }
  return new Map(
    parsed.data.users.map(({ username, role, password, changed_at: changedAt, dags }) => [
      username,
      { username, role, passwordHash: password, readableDags: dags, changedAt: Date.parse(changedAt) },
    ]),
  );
}
