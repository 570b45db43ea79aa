import { html, type Html } from './html.ts';
import { layout } from './layout.ts';

/** What an error page shows. */
export interface ErrorPage {
  readonly environmentName: string;
  readonly status: number;
  readonly text: string;
  readonly requestId: string;
}

/** A page that says what went wrong. */
export function errorPage({ environmentName, status, text, requestId }: ErrorPage): Html {
  return layout({
    title: `Error ${status}`,
    environmentName,
    content: html`<h1>This did not work</h1>
      <p class="problem" role="alert">${text}</p>
      <p class="muted">Status ${status}, request ${requestId}: the environment's log has the same id.</p>
      <p><a href="/">To the dags</a></p>`,
  });
}
