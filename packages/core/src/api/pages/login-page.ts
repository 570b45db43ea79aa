import { html, type Html } from './html.ts';
import { layout } from './layout.ts';

/** What the login page shows. */
export interface LoginPage {
  readonly environmentName: string;
  /** The path to go to afterwards. */
  readonly next: string;
  readonly username?: string;
  /** Why the last attempt did not work. */
  readonly problem?: string;
}

/** The page where people log in. */
export function loginPage({ environmentName, next, username, problem }: LoginPage): Html {
  return layout({
    title: 'Log in',
    environmentName,
    content: html`<h1>Log in</h1>
      ${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
      <form class="fields" method="post" action="/login">
        <input type="hidden" name="next" value="${next}" />
        <label>User <input name="username" value="${username ?? ''}" autocomplete="username" required autofocus /></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
        <button class="primary">Log in</button>
      </form>`,
  });
}
