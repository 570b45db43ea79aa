import { isFinishedTaskInstanceState, type JsonValue, type TryFailure } from '@tradewind/protocol';
import { z } from 'zod';
import { listTries, type TaskInstanceSummary, type TrySummary } from '../../store/reads/task-instances.ts';
import { findXCom, type XComSummary } from '../../store/reads/xcoms.ts';
import { RETURN_VALUE_KEY } from '../../store/transitions/push-xcoms.ts';
import { requireTaskInstance } from '../resources/task-instances.ts';
import { integer, optional, text } from '../query-schemas.ts';
import { pageRoute } from '../route.ts';
import { openTaskLog, readTaskLogTail, type TaskLogTail } from '../task-log.ts';
import { duration, instant } from './format.ts';
import { REFRESH_SECONDS } from './home-page.ts';
import { html, type Html } from './html.ts';
import { facts, layout } from './layout.ts';
import { dagPath, runPath, taskPath } from './paths.ts';
import { stateChip } from './state-chip.ts';
import { logSection } from './task-log-section.ts';

/** How much of a log the page shows; the link beside it has the whole. */
const LOG_BYTES = 262_144;
const MOST_VALUE_CHARACTERS = 65_536;
/** One task instance: how its tries ended, the log of one of them, and the value that it left. */
export const showTaskInstance = pageRoute({
  operationId: 'page_task_instance',
  method: 'GET',
  url: '/dags/{dag_id}/runs/{run_id}/tasks/{task_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'task log', action: 'read' },
  params: z.object({ dag_id: text, run_id: text, task_id: text }),
  query: z.object({ try: optional(integer({ minimum: 1 })), map_index: optional(integer({ minimum: -1 })) }),
  async handler({ params, query: given }, { database, environmentName, clock, logsFolder, secrets }, { principal }) {
    const name = { dagId: params.dag_id, runId: params.run_id, taskId: params.task_id, mapIndex: given.map_index ?? -1 };
    const task = await requireTaskInstance(database, name);
    const [tries, value] = await Promise.all([listTries(database, task), findXCom(database, name, RETURN_VALUE_KEY)]);
    const attempt = tries.find(({ tryNumber }) => tryNumber === given.try) ?? tries.at(-1);
    const file = attempt === undefined ? undefined : await openTaskLog({ logsFolder, clock }, task, attempt);
    const log: TaskLogTail = file === undefined ? { records: [], isCut: false } : await readTaskLogTail(file, LOG_BYTES);
    const shown = attempt === undefined ? undefined : { attempt, log };
    const shownValue = value && { ...value, value: secrets.masker.maskValue(value.value) as JsonValue };
    const content = taskInstanceContent({ task, tries, shown, value: shownValue, now: clock.now() });
    const refreshSeconds = isFinishedTaskInstanceState(task.state) ? undefined : REFRESH_SECONDS;
    return {
      kind: 'html',
      status: 200,
      body: layout({ title: `${task.taskId} · ${name.runId}`, environmentName, principal, refreshSeconds, content }),
    };
  },
});

/** What the page shows of a task instance. */
interface TaskInstanceView {
  readonly task: TaskInstanceSummary;
  readonly tries: readonly TrySummary[];
  /** The try that is looked at, with its log; none before the first has begun. */
  readonly shown: { readonly attempt: TrySummary; readonly log: TaskLogTail } | undefined;
  readonly value: XComSummary | undefined;
  readonly now: number;
}

function taskInstanceContent({ task, tries, shown, value, now }: TaskInstanceView): Html {
  return html`<p class="trail">
      <a href="${dagPath(task.dagId)}">${task.dagDisplayName}</a> / <a href="${runPath(task.dagId, task.runId)}">${task.runId}</a>
    </p>
    <h1>${task.taskId}</h1>
    <p>${stateChip(task.state)}</p>
    ${shown !== undefined && shown.attempt.failure !== null && failureCard(shown.attempt.failure)}
    ${facts([
      ['Operator', task.operator],
      ['Tries', `${task.tryNumber} of ${task.maxTries}`],
      ['Queued', instant(task.queuedAt)],
      ['Next try', task.state === 'up_for_retry' && task.retryAt !== null ? instant(task.retryAt) : null],
      ['Worker', task.hostname === null ? null : `${task.hostname}, process ${task.pid ?? '?'}`],
    ])}
    ${valueSection(value)} ${tries.length > 1 && tryLinks(tries, shown?.attempt, task)}
    ${shown === undefined ? html`<p class="muted">No try has begun yet.</p>` : trySection(shown, task, now)}`;
}

function trySection({ attempt, log }: NonNullable<TaskInstanceView['shown']>, task: TaskInstanceSummary, now: number): Html {
  return html`<h2>Try ${attempt.tryNumber} ${stateChip(attempt.state)}</h2>
    ${facts([
      ['Start', instant(attempt.startedAt)],
      ['Duration', duration(attempt.startedAt, attempt.endedAt, now)],
    ])}
    ${logSection(log, task, attempt.tryNumber)}`;
}

function failureCard({ kind, message, detail }: TryFailure): Html {
  return html`<section class="card failed" aria-label="Why it failed">
    <h2>${message}</h2>
    <p class="muted">${kind}</p>
    ${detail !== undefined && html`<pre>${detail}</pre>`}
  </section>`;
}

function valueSection(value: XComSummary | undefined): Html | false {
  if (value === undefined) return false;
  if (value.offloaded !== undefined) {
    return html`<details>
      <summary>Value</summary>
      <p class="muted">It has ${value.offloaded.bytes} bytes and lies outside of the database; the API has it.</p>
    </details>`;
  }
  const json = JSON.stringify(value.value, null, 2);
  const isLong = json.length > MOST_VALUE_CHARACTERS;
  return html`<details>
    <summary>Value</summary>
    <pre>${json.slice(0, MOST_VALUE_CHARACTERS)}</pre>
    ${isLong && html`<p class="muted">The first ${MOST_VALUE_CHARACTERS} of ${json.length} characters; the API has the whole.</p>`}
  </details>`;
}

function tryLinks(tries: readonly TrySummary[], shown: TrySummary | undefined, { dagId, runId, taskId }: TaskInstanceSummary): Html {
  return html`<nav class="tries" aria-label="Tries">
    ${tries.map(
      ({ tryNumber, state }) =>
        html`<a href="${taskPath(dagId, runId, taskId, tryNumber)}" ${tryNumber === shown?.tryNumber && html`aria-current="page"`}
          >try ${tryNumber} ${stateChip(state)}</a
        > `,
    )}
  </nav>`;
}
