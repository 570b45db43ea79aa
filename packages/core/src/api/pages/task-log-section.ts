import type { LogRecord } from '@tradewind/protocol';
import type { TaskInstanceSummary } from '../../store/reads/task-instances.ts';
import type { TaskLogTail } from '../task-log.ts';
import { html, type Html } from './html.ts';
import { logPath } from './paths.ts';

/** Shown in places of their own. */
const OWN_FIELDS = new Set(['timestamp', 'level', 'event', 'logger']);
const LEVELS = new Set(['debug', 'info', 'warning', 'error', 'critical']);

/** The end of a try's log, line by line, and the way to the whole of it. */
export function logSection({ records, isCut }: TaskLogTail, { dagId, runId, taskId }: TaskInstanceSummary, tryNumber: number): Html {
  return html`<h3>Log</h3>
    <p><a href="${logPath(dagId, runId, taskId, tryNumber)}">The whole log as JSON</a>${isCut && ' (this page shows its end)'}</p>
    ${
      records.length === 0
        ? html`<p class="muted">Nothing was written.</p>`
        : html`<ol class="log">
            ${records.map(logLine)}
          </ol>`
    }`;
}

function logLine(record: LogRecord): Html {
  const { timestamp, level, logger, event } = record as Partial<LogRecord>;
  const others = Object.entries(record).filter(([field]) => !OWN_FIELDS.has(field));
  return html`<li class="level-${LEVELS.has(level ?? '') ? (level ?? '') : 'none'}">
    ${timestamp !== undefined && html`<time datetime="${timestamp}">${timestamp.slice(11, 23)}</time>`}
    ${level !== undefined && html`<b>${level}</b>`} ${logger !== undefined && html`<i>${logger}</i>`}
    <span class="event">${event}</span>
    ${others.map(([field, value]) => html`<span class="field">${field}=${typeof value === 'string' ? value : JSON.stringify(value)}</span> `)}
  </li>`;
}
