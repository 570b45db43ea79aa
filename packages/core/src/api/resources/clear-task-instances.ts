import { z } from 'zod';
import type { ClearOptions } from '../../model/clear.ts';
import type { TaskChoice } from '../../model/clear-selection.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { RunSelection } from '../../store/found-dag-runs.ts';
import type { DagRunClear } from '../../store/clear-dag-runs.ts';
import type { OperatedRun } from '../../store/operate-on-dag-runs.ts';
import type { ApiParts } from '../api-parts.ts';
import { carryOut, changedIds, planClearFor, readTaskInstances } from '../operate-on-dag-runs.ts';
import { instantText, text } from '../query-schemas.ts';
import { InvalidRequest } from '../request-problems.ts';
import { apiRoute } from '../route.ts';
import { readDagId, requireDagRun } from './dag-runs.ts';
import { taskInstanceCollection, toTaskInstanceCollection } from './task-instances.ts';

/** Airflow's. */
const MAX_NOTE_LENGTH = 1_000;

/** A note that people leave. */
export const noteText = text.max(MAX_NOTE_LENGTH, `String should have at most ${MAX_NOTE_LENGTH} characters`);

const clearBody = z.strictObject({
  dry_run: z.boolean().default(true),
  start_date: instantText.nullish(),
  end_date: instantText.nullish(),
  only_failed: z.boolean().default(true),
  only_running: z.boolean().default(false),
  reset_dag_runs: z.boolean().default(true),
  task_ids: z.array(z.union([text, z.tuple([text, z.int()])])).nullish(),
  dag_run_id: text.nullish(),
  include_upstream: z.boolean().default(false),
  include_downstream: z.boolean().default(false),
  include_future: z.boolean().default(false),
  include_past: z.boolean().default(false),
  run_on_latest_version: z.boolean().nullish(),
  prevent_running_task: z.boolean().default(false),
  note: noteText.nullish(),
});

type ClearBody = z.output<typeof clearBody>;

/**
 * Clears task instances of a run, of the runs around it, or of all runs of a time. Answers what it would do, unless `dry_run` is false. What is refused is refused before anything is
 * changed. Markers are followed into runs of other dags.
 */
export const postClearTaskInstances = apiRoute({
  operationId: 'post_clear_task_instances',
  method: 'POST',
  url: '/api/v2/dags/{dag_id}/clearTaskInstances',
  policy: { kind: 'role', atLeast: 'user', resource: 'task instance', action: 'edit' },
  params: z.object({ dag_id: text }),
  body: clearBody,
  response: taskInstanceCollection,
  async handler({ params, body }, parts, { principal }) {
    checkBody(body);
    await readDagId(parts.database, params.dag_id);
    if (typeof body.dag_run_id === 'string') await requireDagRun(parts.database, params.dag_id, body.dag_run_id);
    const unknown = new Set(toChoices(body)?.map(({ taskId }) => taskId));
    const planned = await planClearFor(principal, parts, toClear({ dagId: params.dag_id, body, unknown }));
    checkRehearsal(planned.operated, { dagId: params.dag_id, body, unknown });
    return answer(parts, body.dry_run ? planned.operated : await carryOut(parts, planned));
  },
});

/** The task instances that were, or would be, cleared. */
async function answer({ database }: ApiParts, operated: readonly OperatedRun[]): Promise<z.input<typeof taskInstanceCollection>> {
  const rows = await readTaskInstances(database, changedIds(operated));
  return toTaskInstanceCollection({ rows, total: rows.length });
}

interface AskedClear {
  readonly dagId: string;
  readonly body: ClearBody;
  /** Loses the names that one of the runs knows. */
  readonly unknown: Set<string>;
}

function toClear({ dagId, body, unknown }: AskedClear): DagRunClear {
  const options: ClearOptions = {
    tasks: toChoices(body),
    upstream: body.include_upstream,
    downstream: body.include_downstream,
    onlyFailed: body.only_failed,
    onlyRunning: body.only_running,
  };
  return {
    selection: toSelection(dagId, body),
    options,
    inspect(change, run, stored) {
      if (stored.dagId === dagId) for (const taskId of unknown) if (run.graph.indexOf.has(taskId)) unknown.delete(taskId);
      if (body.prevent_running_task) refuseRunning(change.instances.filter(({ to }) => to === 'restarting'));
    },
    onLatestVersion: body.run_on_latest_version ?? false,
    ...(typeof body.note === 'string' ? { note: body.note } : {}),
  };
}

function toChoices({ task_ids: given }: ClearBody): readonly TaskChoice[] | undefined {
  return given?.map((choice) => (typeof choice === 'string' ? { taskId: choice } : { taskId: choice[0], mapIndex: choice[1] }));
}

function toSelection(dagId: string, body: ClearBody): RunSelection {
  if (typeof body.dag_run_id === 'string') return { dagId, runId: body.dag_run_id, past: body.include_past, future: body.include_future };
  return { dagId, startAt: body.start_date ?? undefined, endAt: body.end_date ?? undefined };
}

function checkBody(body: ClearBody): void {
  const { dag_run_id: runId, start_date: startAt, end_date: endAt } = body;
  if (typeof startAt === 'number' && typeof endAt === 'number' && endAt < startAt) refuse('end_date is sooner than start_date');
  if (typeof runId === 'string' && (typeof startAt === 'number' || typeof endAt === 'number')) {
    refuse('dag_run_id names the run: leave out start_date and end_date, or take include_past and include_future');
  }
  if (typeof runId !== 'string' && (body.include_past || body.include_future)) {
    refuse('dag_run_id is required when include_past or include_future is set to true');
  }
}

function refuse(msg: string): never {
  throw new InvalidRequest([{ type: 'value_error', loc: ['body'], msg, input: null }]);
}

function refuseRunning(running: readonly { readonly instance: { readonly taskId: string } }[]): void {
  const names = [...new Set(running.map(({ instance }) => instance.taskId))];
  if (names.length === 0) return;
  throw new TradewindError(
    'conflict',
    `Nothing is cleared, because these tasks run: ${names.join(', ')}. Wait, or leave out prevent_running_task.`,
  );
}

function checkRehearsal(
  rehearsed: readonly OperatedRun[],
  { dagId, body, unknown }: { readonly dagId: string; readonly body: ClearBody; readonly unknown: ReadonlySet<string> },
): void {
  if (rehearsed.length > 0 && unknown.size > 0) {
    throw new TradewindError(
      'not_found',
      `Dag '${dagId}' has no task ${[...unknown].map((id) => `'${id}'`).join(', ')} in the version of these runs`,
    );
  }
  const ended = rehearsed.find(({ change }) => change.run === 'queued');
  if (!body.reset_dag_runs && ended !== undefined) {
    throw new TradewindError(
      'bad_request',
      `Run '${ended.run.runId}' has ended, and what is cleared of it would never run: leave out reset_dag_runs, or narrow the clear to runs that go on.`,
    );
  }
}
