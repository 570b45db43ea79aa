import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import { z } from 'zod';
import { TradewindError, messageOf } from '../../platform/errors.ts';
import { listDagRuns, type DagRunSummary } from '../../store/reads/dag-runs.ts';
import { findDag, findDagDefinition, type DagSummary } from '../../store/reads/dags.ts';
import { setDagPaused } from '../../store/transitions/set-dag-paused.ts';
import type { ApiParts } from '../api-parts.ts';
import { isAtLeast, type Principal } from '../auth/principal.ts';
import { replyOf } from '../errors.ts';
import { integer, oneOf, optional, query, text } from '../query-schemas.ts';
import { pageRoute, type Reply } from '../route.ts';
import { triggerDagRun } from '../trigger-dag-run.ts';
import { duration, fromNow, instant } from './format.ts';
import { REFRESH_SECONDS } from './home-page.ts';
import { html, type Html } from './html.ts';
import { facts, layout, pager, table } from './layout.ts';
import { pauseForm } from './pause-form.ts';
import { dagPath, runPath } from './paths.ts';
import { stateChip } from './state-chip.ts';
import { readTriggerForm, triggerForm, type FormFields } from './trigger-form.ts';

const RUNS_ON_A_PAGE = 25;

/** One dag: what it is, its tasks, its runs, and the form that triggers it. */
export const showDag = pageRoute({
  operationId: 'page_dag',
  method: 'GET',
  url: '/dags/{dag_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag', action: 'read' },
  params: z.object({ dag_id: text }),
  query: z.object({ offset: optional(integer({ minimum: 0 })), trigger: query.text }),
  async handler({ params, query: given }, parts, { principal }) {
    const view = { dagId: params.dag_id, principal, offset: given.offset ?? 0 };
    return renderDagPage(parts, given.trigger === undefined ? view : { ...view, form: {} });
  },
});

/** Triggers a run with what the form was sent with; where that does not fit, shows the form again with what is wrong. */
export const postTrigger = pageRoute({
  operationId: 'page_trigger',
  method: 'POST',
  url: '/dags/{dag_id}/trigger',
  policy: { kind: 'role', atLeast: 'user', resource: 'dag run', action: 'create' },
  params: z.object({ dag_id: text }),
  body: z.record(z.string(), text),
  bodyTypes: ['form'],
  async handler({ params, body }, parts, { principal }) {
    const { dag_id: dagId } = params;
    const definition = await findDagDefinition(parts.database, dagId);
    if (definition === undefined) throw unknownDag(dagId);
    const { conf, problems } = readTriggerForm(definition, body);
    const form = { fields: body, problem: problems.join('; '), status: 422 };
    if (problems.length > 0) return renderDagPage(parts, { dagId, principal, offset: 0, form });
    const request = { dagId, conf, note: body['note'] || null, runId: body['run_id'] || undefined, logicalAt: null };
    try {
      const runId = await triggerDagRun(parts, { ...request, triggeredBy: 'ui', username: principal.username });
      return { kind: 'redirect', to: runPath(dagId, runId) };
    } catch (error) {
      const { status } = replyOf(error);
      if (status >= 500 || status === 404) throw error;
      return renderDagPage(parts, { dagId, principal, offset: 0, form: { fields: body, problem: messageOf(error), status } });
    }
  },
});

/** Turns a dag off or on. */
export const postPause = pageRoute({
  operationId: 'page_pause',
  method: 'POST',
  url: '/dags/{dag_id}/pause',
  policy: { kind: 'role', atLeast: 'user', resource: 'dag', action: 'edit' },
  params: z.object({ dag_id: text }),
  body: z.object({ is_paused: oneOf(['true', 'false']), from: oneOf(['dags', 'dag']) }),
  bodyTypes: ['form'],
  async handler({ params, body }, { database, clock, wake }) {
    const outcome = await setDagPaused(database, params.dag_id, body.is_paused === 'true', clock.now());
    if (outcome === 'not_found') throw unknownDag(params.dag_id);
    if (outcome === 'changed') wake();
    return { kind: 'redirect', to: body.from === 'dag' ? dagPath(params.dag_id) : '/' };
  },
});

/** What a dag's page is made for. */
interface DagPageView {
  readonly dagId: string;
  readonly principal: Principal;
  readonly offset: number;
  /** The form is open: it may hold what somebody typed, so the page is not loaded again by itself. */
  readonly form?: { readonly fields?: FormFields; readonly problem?: string; readonly status?: number };
}

async function renderDagPage({ database, environmentName, clock }: ApiParts, view: DagPageView): Promise<Reply> {
  const { dagId, principal, form } = view;
  const page = { limit: RUNS_ON_A_PAGE, offset: view.offset };
  const [dag, definition, runs] = await Promise.all([
    findDag(database, dagId),
    findDagDefinition(database, dagId),
    listDagRuns(database, { readable: principal.readableDags, dagId }, page, [{ attribute: 'run_after', descending: true }]),
  ]);
  if (dag === undefined || definition === undefined) throw unknownDag(dagId);
  const now = clock.now();
  const isBusy = runs.rows.some(({ state }) => state === 'queued' || state === 'running');
  const content = html`<h1>${dag.displayName}</h1>
    ${dag.isStale && html`<p class="problem">No dag file defines this dag any more.</p>`}
    ${dag.hasImportErrors && html`<p class="problem">Its file ${dag.file} has an import error; this is the last good version. <a href="/">See the error</a></p>`}
    ${actions(dag, definition, principal)} ${description(dag, definition, now)}
    ${form !== undefined && isAtLeast(principal, 'user') && triggerForm(definition, form.fields, form.problem)}
    ${table(
      'Runs',
      ['Run', 'State', 'Type', 'Run after', 'Start', 'Duration'],
      runs.rows.map((run) => runRow(run, now)),
    )}
    ${pager(dagPath(dagId), { ...page, total: runs.total })}
    ${table('Tasks', ['Task', 'Operator', 'After', 'Inputs', 'Trigger rule', 'Retries'], definition.tasks.map(taskRow))}`;
  const refreshSeconds = isBusy && form === undefined ? REFRESH_SECONDS : undefined;
  return {
    kind: 'html',
    status: form?.status ?? 200,
    body: layout({ title: dag.displayName, environmentName, principal, refreshSeconds, content }),
  };
}

function actions(dag: DagSummary, definition: SerializedDag, principal: Principal): Html | false {
  if (!isAtLeast(principal, 'user')) return false;
  const canRunAsItIs = Object.values(definition.params).every((schema) => schema['default'] !== undefined);
  return html`<div class="actions">
    ${pauseForm(dag, 'dag')}
    ${
      canRunAsItIs &&
      html`<form class="inline" method="post" action="${dagPath(dag.dagId)}/trigger"><button class="primary">Trigger</button></form>`
    }
    <a class="button" href="${dagPath(dag.dagId)}?trigger=form#trigger">Trigger with…</a>
  </div>`;
}

function description(dag: DagSummary, definition: SerializedDag, now: number): Html {
  const next = dag.nextRunAt === null || dag.isPaused ? null : html`${fromNow(dag.nextRunAt, now)}, ${instant(dag.nextRunAt)}`;
  return html`${dag.description !== null && html`<p>${dag.description}</p>`}
  ${facts([
    ['Id', dag.dagId],
    ['Schedule', dag.scheduleSummary ?? 'by hand'],
    ['Next run', next],
    ['Owner', dag.owner],
    ['Tags', dag.tags.map((tag) => html`<span class="tag">${tag}</span> `)],
    ['File', html`<code>${dag.file}</code>`],
    ['Bundle version', html`<code>${dag.bundleVersion.slice(0, 12)}</code>`],
    ['Parsed', instant(dag.parsedAt)],
  ])}
  ${
    definition.doc !== undefined &&
    html`<details open>
      <summary>Documentation</summary>
      <pre class="doc">${definition.doc}</pre>
    </details>`
  }`;
}

function runRow(run: DagRunSummary, now: number): Html {
  return html`<tr>
    <th scope="row"><a href="${runPath(run.dagId, run.runId)}">${run.runId}</a></th>
    <td>${stateChip(run.state)}</td>
    <td>${run.runType}</td>
    <td>${instant(run.runAfterAt)}</td>
    <td>${instant(run.startedAt)}</td>
    <td>${duration(run.startedAt, run.endedAt, now)}</td>
  </tr>`;
}

function taskRow(task: SerializedTask): Html {
  return html`<tr>
    <th scope="row">${task.displayName ?? task.taskId}${task.doc !== undefined && html`<br /><small>${task.doc}</small>`}</th>
    <td>${task.operator}</td>
    <td>${task.upstream.join(', ')}</td>
    <td>${Object.keys(task.inputs).join(', ')}</td>
    <td>${task.triggerRule}</td>
    <td>${task.retries}</td>
  </tr>`;
}

function unknownDag(dagId: string): TradewindError {
  return new TradewindError('not_found', `There is no dag with the id '${dagId}'.`);
}
