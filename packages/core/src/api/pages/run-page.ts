import { z } from 'zod';
import { isFinishedDagRunState } from '@tradewind/protocol';
import { listAssetEvents, type AssetEventSummary } from '../../store/reads/asset-events.ts';
import { listTaskInstances, type TaskInstanceSummary } from '../../store/reads/task-instances.ts';
import { requireDagRun } from '../resources/dag-runs.ts';
import { integer, optional, text } from '../query-schemas.ts';
import { pageRoute } from '../route.ts';
import { duration, instant } from './format.ts';
import { REFRESH_SECONDS } from './home-page.ts';
import { html, type Html } from './html.ts';
import { facts, layout, pager, table } from './layout.ts';
import { dagPath, runPath, taskPath } from './paths.ts';
import { stateChip } from './state-chip.ts';

const TASKS_ON_A_PAGE = 200;
const MOST_EVENTS = 20;

/** One run: its state, its tasks, what it was started with and by what. */
export const showDagRun = pageRoute({
  operationId: 'page_dag_run',
  method: 'GET',
  url: '/dags/{dag_id}/runs/{run_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag run', action: 'read' },
  params: z.object({ dag_id: text, run_id: text }),
  query: z.object({ offset: optional(integer({ minimum: 0 })) }),
  async handler({ params, query: given }, { database, environmentName, clock }, { principal }) {
    const { dag_id: dagId, run_id: runId } = params;
    const readable = principal.readableDags;
    const page = { limit: TASKS_ON_A_PAGE, offset: given.offset ?? 0 };
    const run = await requireDagRun(database, dagId, runId);
    const [tasks, events] = await Promise.all([
      listTaskInstances(database, { readable, dagId, runId }, page, [{ attribute: 'id', descending: false }]),
      listAssetEvents(database, { readable, dagRunId: run.id }, { limit: MOST_EVENTS, offset: 0 }),
    ]);
    const now = clock.now();
    const content = html`<p class="trail"><a href="${dagPath(dagId)}">${run.dagDisplayName}</a></p>
      <h1>${run.runId}</h1>
      <p>${stateChip(run.state)}</p>
      ${facts([
        ['Type', run.runType],
        ['Asked for by', run.triggeringUser === null ? run.triggeredBy : `${run.triggeringUser} (${run.triggeredBy})`],
        ['Run after', instant(run.runAfterAt)],
        ['Logical date', run.logicalAt === null ? null : instant(run.logicalAt)],
        ['Start', instant(run.startedAt)],
        ['Duration', duration(run.startedAt, run.endedAt, now)],
        ['Dag version', html`${run.dagVersion.versionNumber} <code>${run.bundleVersion.slice(0, 12)}</code>`],
        ['Note', run.note],
      ])}
      ${run.state === 'queued' && html`<p class="muted">The run waits to be started: its tasks appear then.</p>`}
      ${table(
        'Tasks',
        ['Task', 'State', 'Try', 'Start', 'Duration', 'Log'],
        tasks.rows.map((task) => taskRow(task, now)),
      )}
      ${pager(runPath(dagId, runId), { ...page, total: tasks.total })}
      ${events.rows.length > 0 && table('Triggering events', ['Asset', 'At', 'Event', 'Source', 'Data'], events.rows.map(eventRow))}
      <details ${Object.keys(run.conf).length > 0 && html`open`}>
        <summary>Conf</summary>
        <pre>${JSON.stringify(run.conf, null, 2)}</pre>
      </details>`;
    const refreshSeconds = isFinishedDagRunState(run.state) ? undefined : REFRESH_SECONDS;
    return {
      kind: 'html',
      status: 200,
      body: layout({ title: `${runId} · ${dagId}`, environmentName, principal, refreshSeconds, content }),
    };
  },
});

function taskRow(task: TaskInstanceSummary, now: number): Html {
  const { dagId, runId, taskId, tryNumber } = task;
  return html`<tr>
    <th scope="row">
      <a href="${taskPath(dagId, runId, taskId)}">${taskId}</a
      >${task.failure !== null && html`<br /><small class="failure">${task.failure.message}</small>`}
    </th>
    <td>${stateChip(task.state)}</td>
    <td>${tryNumber === 0 ? html`<span class="muted">–</span>` : `${tryNumber} of ${task.maxTries}`}</td>
    <td>${instant(task.startedAt)}</td>
    <td>${duration(task.startedAt, task.endedAt, now)}</td>
    <td>${tryNumber > 0 && html`<a href="${taskPath(dagId, runId, taskId, tryNumber)}">log</a>`}</td>
  </tr>`;
}

function eventRow(event: AssetEventSummary): Html {
  return html`<tr>
    <th scope="row">${event.assetName}</th>
    <td>${instant(event.occurredAt)}</td>
    <td>
      ${event.message === null ? html`<span class="muted">of this environment</span>` : html`<code>${event.message.id}</code><br />${event.message.type}`}
    </td>
    <td>${event.message?.source ?? sourceOf(event)}</td>
    <td>
      <details>
        <summary>show</summary>
        <pre>${JSON.stringify(event.extra, null, 2)}</pre>
      </details>
    </td>
  </tr>`;
}

function sourceOf({ sourceDagId, sourceRunId, sourceTaskId }: AssetEventSummary): Html | string {
  if (sourceDagId === null || sourceRunId === null) return 'the API';
  return html`<a href="${runPath(sourceDagId, sourceRunId)}">${sourceDagId}</a>${sourceTaskId !== null && `, ${sourceTaskId}`}`;
}
