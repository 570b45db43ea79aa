import { html, type Html } from './html.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An instant, in UTC. */
export function instant(at: number | null): Html {
  if (at === null) return html`<span class="muted">–</span>`;
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

/** How far an instant is from now: `in 23 min`, `5 s ago`. */
export function fromNow(at: number, now: number): string {
  return at > now ? `in ${length(at - now)}` : `${length(now - at)} ago`;
}

/** How long something took, or has taken so far. */
export function duration(startedAt: number | null, endedAt: number | null, now: number): Html {
  if (startedAt === null) return html`<span class="muted">–</span>`;
  return html`${length((endedAt ?? now) - startedAt)}${endedAt === null && ' so far'}`;
}

/** A length of time in its two largest units. */
export function length(ms: number): string {
  if (ms < 10 * SECOND) return `${(Math.max(0, ms) / SECOND).toFixed(ms < SECOND ? 3 : 1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.floor((ms % MINUTE) / SECOND)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}
