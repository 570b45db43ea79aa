import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TEST_PASSWORD, TEST_PASSWORD_HASH, createTestClock, createTestRandom, type TestClock } from '../testing/test-server.ts';
import { openAuthentication, type Authentication } from './authentication.ts';

const ADDRESS = '127.0.0.1';
const DAY_SECONDS = 86_400;

let folder: string;
let stateFolder: string;
let clock: TestClock;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-auth-'));
  stateFolder = path.join(folder, 'state');
  clock = createTestClock();
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function open(): Promise<Authentication> {
  return openAuthentication({ stateFolder, clock, random: createTestRandom() });
}

/** An environment that has been started before. */
async function reopen(): Promise<Authentication> {
  await writeUsers([userWith('admin')]);
  return open();
}

async function logIn(authentication: Authentication, username = 'admin', password = TEST_PASSWORD): Promise<string> {
  const login = await authentication.login({ username, password, address: ADDRESS }, DAY_SECONDS);
  if (login.outcome !== 'accepted') throw new Error(`the login was ${login.outcome}`);
  return login.token;
}

describe('the first start', () => {
  test('makes an administrator, whose password is told once and kept for the owner', async () => {
    const first = await open();
    expect(first.createdAdmin).toMatchObject({ username: 'admin', file: path.join(stateFolder, 'admin-password') });
    expect((await readFile(path.join(stateFolder, 'admin-password'), 'utf8')).trim()).toBe(first.createdAdmin?.password);
    expect((await open()).createdAdmin).toBeUndefined();
  });

  test('makes another password in each environment', async () => {
    const first = (await open()).createdAdmin?.password;
    stateFolder = path.join(folder, 'other');
    const second = (await open()).createdAdmin?.password;
    expect(first).toHaveLength(32);
    expect(second).not.toBe(first);
  });

  test('lets nobody but the owner read what it writes', async () => {
    await open();
    const names = ['users.json', 'admin-password', 'jwt-secret'];
    const modes = await Promise.all(names.map(async (name) => (await stat(path.join(stateFolder, name))).mode & 0o777));
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  test('stores no password but its hash', async () => {
    const { createdAdmin } = await open();
    const users = await readFile(path.join(stateFolder, 'users.json'), 'utf8');
    expect(users).toContain('scrypt$');
    expect(users).not.toContain(createdAdmin?.password);
  });

  test('leaves users alone that are there already', async () => {
    await writeUsers([]);
    expect((await open()).createdAdmin).toBeUndefined();
  });
});

describe('a login', () => {
  test('gives a token that says who it is', async () => {
    const authentication = await reopen();
    expect(await authentication.identify(await logIn(authentication))).toEqual({
      outcome: 'known',
      principal: { username: 'admin', role: 'admin', readableDags: 'all' },
    });
  });

  test('is refused in the same words for a wrong password and an unknown user', async () => {
    const authentication = await reopen();
    const wrong = { username: 'admin', password: 'wrong', address: ADDRESS };
    expect(await authentication.login(wrong, DAY_SECONDS)).toEqual({ outcome: 'refused' });
    expect(await authentication.login({ ...wrong, username: 'nobody' }, DAY_SECONDS)).toEqual({ outcome: 'refused' });
  });

  test('is refused after five attempts, the right password included, until a minute has passed', async () => {
    const authentication = await reopen();
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await authentication.login({ username: 'admin', password: 'guess', address: ADDRESS }, DAY_SECONDS);
    }
    await expect(logIn(authentication)).rejects.toThrow('too_many_attempts');
    clock.advance(60_000);
    expect(await logIn(authentication)).toBeTypeOf('string');
  });

  test('takes the password that the first start made', async () => {
    const authentication = await open();
    expect(await logIn(authentication, 'admin', authentication.createdAdmin?.password)).toBeTypeOf('string');
  });
});

describe('a token', () => {
  test('lasts as long as was asked for', async () => {
    const authentication = await reopen();
    const token = await logIn(authentication);
    clock.advance(DAY_SECONDS * 1_000 - 1_000);
    expect(await authentication.identify(token)).toMatchObject({ outcome: 'known' });
    clock.advance(1_000);
    expect(await authentication.identify(token)).toEqual({ outcome: 'expired' });
  });

  test('outlives a restart', async () => {
    const token = await logIn(await reopen());
    expect(await (await open()).identify(token)).toMatchObject({ outcome: 'known' });
  });

  test('is worth nothing after a logout, a restart later included', async () => {
    const authentication = await reopen();
    const token = await logIn(authentication);
    await authentication.revoke(token);
    expect(await authentication.identify(token)).toEqual({ outcome: 'invalid' });
    expect(await (await open()).identify(token)).toEqual({ outcome: 'invalid' });
  });

  test('is not touched by the logout of another one', async () => {
    const authentication = await reopen();
    const [mine, other] = [await logIn(authentication), await logIn(authentication)];
    await Promise.all([authentication.revoke(mine), authentication.revoke(mine), authentication.revoke('no token')]);
    expect(await authentication.identify(other)).toMatchObject({ outcome: 'known' });
  });

  test('leaves the list of revoked ones when it would have expired', async () => {
    const authentication = await reopen();
    await authentication.revoke(await logIn(authentication));
    clock.advance(2 * DAY_SECONDS * 1_000);
    await authentication.revoke(await logIn(authentication));
    const list = JSON.parse(await readFile(path.join(stateFolder, 'revoked-tokens.json'), 'utf8')) as object;
    expect(Object.keys(list)).toHaveLength(1);
  });

  test('has the role that its user has now', async () => {
    const authentication = await reopen();
    await writeUsers([userWith('ada', { role: 'admin' })]);
    const token = await logIn(authentication, 'ada');
    await writeUsers([userWith('ada', { role: 'viewer', dags: ['orders'] })]);
    expect(await authentication.identify(token)).toMatchObject({ principal: { role: 'viewer', readableDags: ['orders'] } });
  });

  test('is worth nothing when its user is gone', async () => {
    const authentication = await reopen();
    const token = await logIn(authentication);
    await writeUsers([]);
    expect(await authentication.identify(token)).toEqual({ outcome: 'invalid' });
  });

  test('is worth nothing when its user has another password since', async () => {
    const authentication = await reopen();
    const token = await logIn(authentication);
    clock.advance(1);
    await writeUsers([userWith('admin', { changed_at: new Date(clock.now()).toISOString() })]);
    expect(await authentication.identify(token)).toEqual({ outcome: 'invalid' });
  });

  test('of the environment itself stands for no user and keeps its role', async () => {
    const authentication = await reopen();
    const token = authentication.issueToken('command line', 'admin', 60);
    expect(await authentication.identify(token)).toEqual({
      outcome: 'known',
      principal: { username: 'command line', role: 'admin', readableDags: 'all' },
    });
    clock.advance(60_000);
    expect(await authentication.identify(token)).toEqual({ outcome: 'expired' });
  });

  test('of one environment is worth nothing in another', async () => {
    const token = await logIn(await reopen());
    stateFolder = path.join(folder, 'other');
    expect(await (await open()).identify(token)).toEqual({ outcome: 'invalid' });
  });
});

describe('a damaged file', () => {
  test.each([
    ['users.json', 'no json'],
    ['users.json', '{"users":[{"username":"ada"}]}'],
    ['users.json', '{"users":[{"username":"ada","role":"root","password":"x","changed_at":"2026-11-21T12:00:00Z","dags":"all"}]}'],
    ['jwt-secret', 'short'],
    ['revoked-tokens.json', '[]'],
  ])('%s stops the start with a message that names it', async (name, content) => {
    await reopen();
    await writeFile(path.join(stateFolder, name), content);
    await expect(open()).rejects.toMatchObject({ code: 'bad_configuration', message: expect.stringContaining(name) as string });
  });
});

interface UserInFile {
  readonly username: string;
  readonly role: string;
  readonly password: string;
  readonly changed_at: string;
  readonly dags: 'all' | readonly string[];
}

function userWith(username: string, more: Partial<UserInFile> = {}): UserInFile {
  const changedAt = new Date(clock.now()).toISOString();
  return { username, role: 'admin', password: TEST_PASSWORD_HASH, changed_at: changedAt, dags: 'all', ...more };
}

async function writeUsers(users: readonly UserInFile[]): Promise<void> {
  await mkdir(stateFolder, { recursive: true });
  await writeFile(path.join(stateFolder, 'users.json'), JSON.stringify({ users }));
}
