import { z } from 'zod';
import { isAtLeast, type Principal } from '../auth/principal.ts';
import { integer, optional, query } from '../query-schemas.ts';
import { pageRoute } from '../route.ts';
import { listRecentDagRuns, type RecentDagRun } from '../../store/reads/dag-runs.ts';
import { listDags, type DagSummary } from '../../store/reads/dags.ts';
import { listImportErrors, type ImportErrorSummary } from '../../store/reads/import-errors.ts';
import { fromNow, instant } from './format.ts';
import { html, type Html } from './html.ts';
import { layout, pager, table } from './layout.ts';
import { pauseForm } from './pause-form.ts';
import { dagPath, runPath } from './paths.ts';
import { stateChip } from './state-chip.ts';

const DAGS_ON_A_PAGE = 50;
const RUNS_OF_A_DAG = 5;
const MOST_IMPORT_ERRORS = 20;
/** How often a page is loaded again while a run on it is not finished. */
export const REFRESH_SECONDS = 5;

/** Every dag at a glance: what is broken first, then each dag with its newest runs and its next one. */
export const showDags = pageRoute({
  operationId: 'page_dags',
  method: 'GET',
  url: '/',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag', action: 'read' },
  query: z.object({ q: query.text, offset: optional(integer({ minimum: 0 })) }),
  async handler({ query: given }, { database, environmentName, clock }, { principal }) {
    const readable = principal.readableDags;
    const page = { limit: DAGS_ON_A_PAGE, offset: given.offset ?? 0 };
    const [dags, importErrors] = await Promise.all([
      listDags(database, { readable, excludeStale: true, dagIdPattern: given.q === '' ? undefined : given.q }, page),
      listImportErrors(database, { readable }, { limit: MOST_IMPORT_ERRORS, offset: 0 }),
    ]);
    const runs = await listRecentDagRuns(
      database,
      dags.rows.map(({ dagId }) => dagId),
      RUNS_OF_A_DAG,
    );
    const view = { principal, now: clock.now() };
    const isBusy = [...runs.values()].flat().some(({ state }) => state === 'queued' || state === 'running');
    const content = html`<h1>Dags</h1>
      ${importErrors.rows.map(importErrorCard)}
      <form class="search" method="get" action="/" role="search">
        <label>Find <input name="q" value="${given.q ?? ''}" placeholder="part of a dag id" /></label> <button>Find</button>
      </form>
      ${table(
        `${dags.total} ${dags.total === 1 ? 'dag' : 'dags'}`,
        ['Dag', 'Schedule', 'On', 'Newest runs', 'Next run'],
        dags.rows.map((dag) => dagRow(dag, runs.get(dag.dagId) ?? [], view)),
      )}
      ${pager('/', { ...page, total: dags.total })}`;
    return {
      kind: 'html',
      status: 200,
      body: layout({ title: 'Dags', environmentName, principal, refreshSeconds: isBusy ? REFRESH_SECONDS : undefined, content }),
    };
  },
});

/** A dag file that could not be read: where, why, and the lines in question. */
function importErrorCard({ path, line, columnNumber, message, excerpt }: ImportErrorSummary): Html {
  const place = [path, line, columnNumber].filter((part) => part !== null).join(':');
  return html`<section class="card failed">
    <h2>Import error in <code>${place}</code></h2>
    <p>${message}</p>
    ${excerpt !== null && html`<pre>${excerpt}</pre>`}
  </section>`;
}

function dagRow(
  dag: DagSummary,
  runs: readonly RecentDagRun[],
  { principal, now }: { readonly principal: Principal; readonly now: number },
): Html {
  return html`<tr>
    <th scope="row">
      <a href="${dagPath(dag.dagId)}">${dag.displayName}</a>${dag.tags.map((tag) => html` <span class="tag">${tag}</span>`)}
    </th>
    <td>${dag.scheduleSummary ?? 'by hand'}</td>
    <td>${isAtLeast(principal, 'user') ? pauseForm(dag, 'dags') : onOrPaused(dag)}</td>
    <td class="chips">${runs.length === 0 ? html`<span class="muted">none yet</span>` : runs.map(runChip)}</td>
    <td>
      ${dag.nextRunAt === null || dag.isPaused ? html`<span class="muted">–</span>` : html`${fromNow(dag.nextRunAt, now)}<br />${instant(dag.nextRunAt)}`}
    </td>
  </tr>`;
}

function onOrPaused({ isPaused }: DagSummary): string {
  return isPaused ? 'paused' : 'on';
}

function runChip({ dagId, runId, state, runAfterAt }: RecentDagRun): Html {
  const at = new Date(runAfterAt).toISOString();
  return html`<a href="${runPath(dagId, runId)}" title="${runId}, ${at}">${stateChip(state)}</a> `;
}
