import path from 'node:path';
import type { Clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import { generateSecret, verifyPassword } from '../../platform/passwords.ts';
import type { Random } from '../../platform/random.ts';
import { createLoginLimiter } from './login-limiter.ts';
import type { Principal, Role } from './principal.ts';
import { createPrivateFile, readPrivateFile } from './private-file.ts';
import { openRevokedTokens, type RevokedTokens } from './revoked-tokens.ts';
import { checkToken, signToken, type TokenClaims } from './tokens.ts';
import { openUsers, type CreatedAdmin, type Users } from './users.ts';

/** What a login came to. Wrong password and unknown user are the same. */
export type LoginOutcome =
  | { readonly outcome: 'accepted'; readonly token: string }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'too_many_attempts'; readonly retryAfterSeconds: number };

/** Somebody's name and password, and where the request came from. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly address: string;
}

/** Whose token it is, or why it counts for nothing. */
export type Identification = { readonly outcome: 'known'; readonly principal: Principal } | { readonly outcome: 'expired' | 'invalid' };

/** Who may come in: the built-in users of one environment. */
export interface Authentication {
  /** Set where this start made the first administrator: the password is shown once. */
  readonly createdAdmin: CreatedAdmin | undefined;
  /** Checks a password. At most five attempts a minute for each account and address. */
  login(credentials: Credentials, expiresInSeconds: number): Promise<LoginOutcome>;
  /** Says whose a token is. */
  identify(token: string): Promise<Identification>;
  /** Makes a token worthless at once and for good; nothing happens to one that is worthless already. */
  revoke(token: string): Promise<void>;
  /** A token for the environment's own use, such as its command line: it stands for no user in the store, and its role is fixed. */
  issueToken(username: string, role: Role, expiresInSeconds: number): string;
}

/** What authentication works with. */
export interface AuthenticationParts {
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** 256 bits, as HS256 asks for (RFC 7518 §3.2). */
const SECRET_BYTES = 32;
/** A hash of the same cost as everybody's that no password fits, so that an unknown user takes as long as a wrong password. */
const NOBODYS_HASH = `scrypt$32768$8$3$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/**
 * Opens the users, the revoked tokens and the signing key of an environment, and makes what is missing. Everything lives in its state folder, readable
 * by its owner alone.
 *
 * @throws TradewindError `bad_configuration` where a file is damaged, or the key is too short to be one
 */
export async function openAuthentication(parts: AuthenticationParts): Promise<Authentication> {
  const [{ users, createdAdmin }, revoked, secret] = await Promise.all([
    openUsers(parts.stateFolder, parts.clock),
    openRevokedTokens(parts.stateFolder, parts.clock),
    openSecret(path.join(parts.stateFolder, 'jwt-secret')),
  ]);
  const check = (token: string) => checkToken(token, secret, parts.clock.now());
  const issue = (claims: Pick<TokenClaims, 'sub' | 'role'>, expiresInSeconds: number): string => {
    const issuedAt = parts.clock.now() / 1_000;
    return signToken({ ...claims, jti: parts.random.uuid(), iat: issuedAt, exp: Math.floor(issuedAt) + expiresInSeconds }, secret);
  };

  return {
    createdAdmin,
    login: createLogin(users, parts.clock, (username, expiresInSeconds) => issue({ sub: username }, expiresInSeconds)),
    async identify(token) {
      const checked = check(token);
      return checked.ok ? identifyClaims(checked.claims, users, revoked) : { outcome: checked.reason };
    },
    async revoke(token) {
      const checked = check(token);
      if (checked.ok) await revoked.add(checked.claims.jti, checked.claims.exp);
    },
    issueToken: (username, role, expiresInSeconds) => issue({ sub: username, role }, expiresInSeconds),
  };
}

function createLogin(users: Users, clock: Clock, issue: (username: string, expiresInSeconds: number) => string): Authentication['login'] {
  const limiter = createLoginLimiter(clock);
  return async ({ username, password, address }, expiresInSeconds) => {
    const retryAfterSeconds = limiter.attempt(username, address);
    if (retryAfterSeconds !== undefined) return { outcome: 'too_many_attempts', retryAfterSeconds };
    const user = await users.find(username);
    const isRight = await verifyPassword(password, user?.passwordHash ?? NOBODYS_HASH);
    if (user === undefined || !isRight) return { outcome: 'refused' };
    limiter.succeeded(username, address);
    return { outcome: 'accepted', token: issue(username, expiresInSeconds) };
  };
}

/** What a user may do is read fresh: a role that was lowered, a password that was changed and a user who was removed count at once. */
async function identifyClaims({ sub, jti, iat, role }: TokenClaims, users: Users, revoked: RevokedTokens): Promise<Identification> {
  if (revoked.has(jti)) return { outcome: 'invalid' };
  if (role !== undefined) return { outcome: 'known', principal: { username: sub, role, readableDags: 'all' } };
  const user = await users.find(sub);
  if (user === undefined || Math.round(iat * 1_000) < user.changedAt) return { outcome: 'invalid' };
  return { outcome: 'known', principal: { username: user.username, role: user.role, readableDags: user.readableDags } };
}

async function openSecret(file: string): Promise<Uint8Array> {
  if ((await readPrivateFile(file)) === undefined) await createPrivateFile(file, generateSecret(SECRET_BYTES));
  const secret = Buffer.from((await readPrivateFile(file)) ?? '', 'base64url');
  if (secret.length < SECRET_BYTES) {
    throw new TradewindError(
      'bad_configuration',
      `${file} is not a key of ${SECRET_BYTES} bytes. Delete it: the next start makes a new one, and people log in again.`,
    );
  }
  return secret;
}
