import type { Principal } from '../auth/principal.ts';
import { html, type Fragment, type Html } from './html.ts';

/** A whole page. */
export interface Page {
  readonly title: string;
  readonly environmentName: string;
  /** Left out on pages for somebody who has not logged in. */
  readonly principal?: Principal;
  /** Loads the page again after so many seconds, while something on it is still going on. */
  readonly refreshSeconds?: number | undefined;
  readonly content: Fragment;
}

/** Lays a page out. */
export function layout({ title, environmentName, principal, refreshSeconds, content }: Page): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${refreshSeconds !== undefined && html`<meta http-equiv="refresh" content="${refreshSeconds}" />`}
        <title>${title} · ${environmentName}</title>
        <link rel="stylesheet" href="/static/tradewind.css" />
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header>
          <a class="name" href="/">Tradewind <span class="environment">${environmentName}</span></a>
          ${principal !== undefined && navigation(principal)}
        </header>
        <main id="content">${content}</main>
      </body>
    </html> `;
}

function navigation(principal: Principal): Html {
  return html`<nav aria-label="Pages"><a href="/">Dags</a> <a href="/events">Events</a></nav>
    <form class="session" method="post" action="/logout">
      <span>${principal.username} (${principal.role})</span> <button>Log out</button>
    </form>`;
}

/** A table that scrolls in itself where the screen is narrow. */
export function table(caption: string, headings: readonly string[], rows: readonly Html[]): Html {
  if (rows.length === 0) return html`<p class="muted">${caption}: none.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${headings.map((heading) => html`<th scope="col">${heading}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** Facts in a list of names and values; a fact without a value is left out. */
export function facts(entries: readonly (readonly [name: string, value: Fragment])[]): Html {
  const present = entries.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return html`<dl>
    ${present.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** Links to the pages of a list before and after this one. */
export function pager(
  path: string,
  { offset, limit, total }: { readonly offset: number; readonly limit: number; readonly total: number },
): Html {
  if (offset === 0 && total <= limit) return html``;
  const last = Math.min(offset + limit, total);
  return html`<nav class="pager" aria-label="Pages of the list">
    ${offset > 0 && html`<a href="${path}?offset=${Math.max(0, offset - limit)}">newer</a>`}
    <span>${offset + 1}–${last} of ${total}</span>
    ${last < total && html`<a href="${path}?offset=${last}">older</a>`}
  </nav>`;
}
