import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { text } from '../query-schemas.ts';
import { pageRoute, streamRoute } from '../route.ts';
import { TOKEN_SECONDS } from '../resources/login.ts';
import { loginPage } from './login-page.ts';
import { safePath } from './paths.ts';

/** Shows the form to log in with. */
export const showLogin = pageRoute({
  operationId: 'page_login',
  method: 'GET',
  url: '/login',
  policy: { kind: 'public' },
  handler: (_input, { environmentName }) => Promise.resolve({ kind: 'html', status: 200, body: loginPage({ environmentName, next: '/' }) }),
});

/** Logs somebody in and goes where they wanted to go. */
export const postLogin = pageRoute({
  operationId: 'page_login_post',
  method: 'POST',
  url: '/login',
  policy: { kind: 'public' },
  body: z.object({ username: text, password: text, next: text.optional() }),
  bodyTypes: ['form'],
  async handler({ body }, { authentication, environmentName, cookie, log }, { address }) {
    const { username, password } = body;
    const next = safePath(body.next);
    const login = await authentication.login({ username, password, address }, TOKEN_SECONDS);
    if (login.outcome === 'accepted') {
      return { kind: 'redirect', to: next, headers: { 'set-cookie': cookie.begin(login.token, TOKEN_SECONDS) } };
    }
    log.warning('a login was refused', { username, address, reason: login.outcome });
    const isTooOften = login.outcome === 'too_many_attempts';
    const problem = isTooOften ? `Too many attempts. Try again in ${login.retryAfterSeconds} s.` : 'The user or the password is wrong.';
    return { kind: 'html', status: isTooOften ? 429 : 401, body: loginPage({ environmentName, next, username, problem }) };
  },
});

/** Logs somebody out: their token is worth nothing any more, wherever else it was kept. */
export const postLogout = pageRoute({
  operationId: 'page_logout',
  method: 'POST',
  url: '/logout',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'session', action: 'end' },
  async handler(_input, { authentication, cookie }, { token }) {
    if (token !== undefined) await authentication.revoke(token);
    return { kind: 'redirect', to: '/login', headers: { 'set-cookie': cookie.end() } };
  },
});

/** The one stylesheet. */
export const getStylesheet = streamRoute({
  operationId: 'stylesheet',
  method: 'GET',
  url: '/static/tradewind.css',
  policy: { kind: 'public' },
  async handler() {
    const body = await readFile(new URL('./tradewind.css', import.meta.url), 'utf8');
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    return { kind: 'file', contentType: 'text/css; charset=utf-8', body, headers: { etag, 'cache-control': 'public, max-age=300' } };
  },
});
