import type { DagRunState, TaskInstanceState } from '@tradewind/protocol';
import type { SubscriptionState } from '../../store/tables.ts';
import { html, type Html } from './html.ts';

/** A sign for each state: in grey, or to somebody who cannot tell the colours apart, the sign and the word still say it. */
const SIGNS: Readonly<Record<DagRunState | TaskInstanceState | SubscriptionState, string>> = {
  none: '◌',
  scheduled: '◷',
  queued: '≡',
  running: '▶',
  success: '✓',
  failed: '✕',
  skipped: '⏭',
  upstream_failed: '↑✕',
  up_for_retry: '↻',
  up_for_reschedule: '↻',
  deferred: '◷',
  restarting: '↻',
  removed: '⊘',
  stopped: '■',
  polling: '▶',
  'backing-off': '↻',
  blocked: '✕',
};

/** A state as a coloured chip with its sign and its word. */
export function stateChip(state: keyof typeof SIGNS): Html {
  return html`<span class="state state-${state}"><span aria-hidden="true">${SIGNS[state]}</span> ${state}</span>`;
}
