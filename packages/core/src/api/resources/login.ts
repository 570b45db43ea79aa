import { z } from 'zod';
import { TradewindError } from '../../platform/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { RateLimited } from '../errors.ts';
import { text } from '../query-schemas.ts';
import { apiRoute, type Caller } from '../route.ts';

/** Airflow's `[api_auth] jwt_expiration_time` and `jwt_cli_expiration_time`. */
export const TOKEN_SECONDS = 86_400;
const CLI_TOKEN_SECONDS = 3_600;

const credentials = z.strictObject({ username: text, password: text });
const tokenResponse = z.object({ access_token: z.string() });

/** A token for a program that knows a user's password. */
export const createToken = apiRoute({
  operationId: 'create_token',
  method: 'POST',
  url: '/auth/token',
  policy: { kind: 'public' },
  body: credentials,
  bodyTypes: ['json', 'form'],
  response: tokenResponse,
  status: 201,
  handler: async ({ body }, parts, caller) => ({ access_token: await logIn(body, TOKEN_SECONDS, parts, caller) }),
});

/** The same for the command line, whose tokens last an hour. */
export const createCliToken = apiRoute({
  operationId: 'create_token_cli',
  method: 'POST',
  url: '/auth/token/cli',
  policy: { kind: 'public' },
  body: credentials,
  response: tokenResponse,
  status: 201,
  handler: async ({ body }, parts, caller) => ({ access_token: await logIn(body, CLI_TOKEN_SECONDS, parts, caller) }),
});

async function logIn(
  { username, password }: z.output<typeof credentials>,
  expiresInSeconds: number,
  { authentication, log }: ApiParts,
  { address }: Caller,
): Promise<string> {
  const login = await authentication.login({ username, password, address }, expiresInSeconds);
  switch (login.outcome) {
    case 'accepted':
      return login.token;
    case 'refused':
      log.warning('a login was refused', { username, address });
      throw new TradewindError('unauthenticated', 'Invalid credentials');
    case 'too_many_attempts':
      log.warning('a login was refused: too many attempts', { username, address });
      throw new RateLimited(`Too many attempts to log in; try again in ${login.retryAfterSeconds} s.`, login.retryAfterSeconds);
  }
}
