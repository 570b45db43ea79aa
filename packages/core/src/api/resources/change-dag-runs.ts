import { z } from 'zod';
import { findNewTasks } from '../../model/clear.ts';
import { planDagRunMark } from '../../model/mark.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { DagRunClear } from '../../store/clear-dag-runs.ts';
import type { OperatedRun, RunOperation } from '../../store/operate-on-dag-runs.ts';
import { deleteWithValues } from '../../store/sweep-values.ts';
import { deleteDagRun } from '../../store/transitions/delete-dag-run.ts';
import { setDagRunNote } from '../../store/transitions/set-note.ts';
import type { ApiParts } from '../api-parts.ts';
import { carryOut, changedIds, operate, planClearFor, readTaskInstances, rehearse } from '../operate-on-dag-runs.ts';
import { list, oneOf, text } from '../query-schemas.ts';
import { InvalidRequest } from '../request-problems.ts';
import { apiRoute, emptyRoute } from '../route.ts';
import { noteText } from './clear-task-instances.ts';
import { dagRunResponse, requireDagRun, toDagRunResponse } from './dag-runs.ts';
import { taskInstanceResponse, toTaskInstanceResponse } from './task-instances.ts';

const RUN_URL = '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}';
const runParams = z.object({ dag_id: text, dag_run_id: text });

const patchBody = z.strictObject({ state: oneOf(['queued', 'success', 'failed']).nullish(), note: noteText.nullish() });

/** Gives a run a verdict, lets it run again (`queued`), or leaves a note at it. */
export const patchDagRun = apiRoute({
  operationId: 'patch_dag_run',
  method: 'PATCH',
  url: RUN_URL,
  policy: { kind: 'role', atLeast: 'user', resource: 'dag run', action: 'edit' },
  params: runParams,
  query: z.object({ update_mask: list(oneOf(['state', 'note'])) }),
  body: patchBody,
  response: dagRunResponse,
  async handler({ params, query, body }, parts, { principal }) {
    const { id } = await requireDagRun(parts.database, params.dag_id, params.dag_run_id);
    const isMeant = (field: 'state' | 'note'): boolean => query.update_mask.length === 0 || query.update_mask.includes(field);
    const state = isMeant('state') ? (body.state ?? undefined) : undefined;
    if (state === 'queued') await carryOut(parts, await planClearFor(principal, parts, toClear({ path: params, body: {}, newTasks: [] })));
    else if (state !== undefined) await operate(parts, toMark(params, state));
    if (body.note !== undefined && isMeant('note')) await parts.database.batch([setDagRunNote(id, body.note)]);
    return toDagRunResponse(await requireDagRun(parts.database, params.dag_id, params.dag_run_id));
  },
});

const clearBody = z.strictObject({
  dry_run: z.boolean().default(true),
  only_failed: z.boolean().default(false),
  only_new: z.boolean().default(false),
  run_on_latest_version: z.boolean().nullish(),
  note: noteText.nullish(),
});

const newTaskResponse = z.object({ task_id: z.string(), task_display_name: z.string() });

const clearResponse = z.union([
  dagRunResponse,
  z.object({ task_instances: z.array(z.union([taskInstanceResponse, newTaskResponse])), total_entries: z.int() }),
]);

/** Clears a run. Answers the task instances that it would clear, unless `dry_run` is false: then the run. */
export const clearDagRun = apiRoute({
  operationId: 'clear_dag_run',
  method: 'POST',
  url: `${RUN_URL}/clear`,
  policy: { kind: 'role', atLeast: 'user', resource: 'dag run', action: 'edit' },
  params: runParams,
  body: clearBody,
  response: clearResponse,
  async handler({ params, body }, parts, { principal }) {
    if (body.only_failed && body.only_new) {
      const msg = 'only_failed and only_new are mutually exclusive: new tasks have not failed';
      throw new InvalidRequest([{ type: 'value_error', loc: ['body'], msg, input: null }]);
    }
    await requireDagRun(parts.database, params.dag_id, params.dag_run_id);
    const newTasks: string[] = [];
    if (body.only_new) {
      const operation = addNewTasks(params, body, newTasks);
      if (body.dry_run) return describeClear(parts, await rehearse(parts, operation), newTasks);
      await operate(parts, operation);
    } else {
      const planned = await planClearFor(principal, parts, toClear({ path: params, body, newTasks }));
      if (body.dry_run) return describeClear(parts, planned.operated, newTasks);
      await carryOut(parts, planned);
    }
    return toDagRunResponse(await requireDagRun(parts.database, params.dag_id, params.dag_run_id));
  },
});

/** Deletes a run that has ended, with everything that belongs to it but its logs. */
export const deleteDagRunRoute = emptyRoute({
  operationId: 'delete_dag_run',
  method: 'DELETE',
  url: RUN_URL,
  policy: { kind: 'role', atLeast: 'op', resource: 'dag run', action: 'delete' },
  params: runParams,
  async handler({ params }, { database, largeValues }) {
    const run = await requireDagRun(database, params.dag_id, params.dag_run_id);
    const outcome = await deleteWithValues(database, largeValues?.store, () => deleteDagRun(database, run.id));
    if (outcome !== 'not_ended') return;
    throw new TradewindError(
      'conflict',
      `The run '${params.dag_run_id}' of dag '${params.dag_id}' is ${run.state} and cannot be deleted: wait until it has ended, or mark it as failed first.`,
    );
  },
});

type RunPath = z.output<typeof runParams>;

function toMark({ dag_id: dagId, dag_run_id: runId }: RunPath, state: 'success' | 'failed'): RunOperation {
  return { selection: { dagId, runId }, decide: (run) => planDagRunMark(run, state) };
}

const WHOLE = { upstream: false, downstream: false, onlyFailed: false, onlyRunning: false } as const;

interface AskedClear {
  readonly path: RunPath;
  readonly body: Partial<z.output<typeof clearBody>>;
  /** Receives the tasks that the run would have for the first time. */
  readonly newTasks: string[];
}

function toClear({ path: { dag_id: dagId, dag_run_id: runId }, body, newTasks }: AskedClear): DagRunClear {
  const onLatestVersion = body.run_on_latest_version ?? false;
  return {
    selection: { dagId, runId },
    options: { ...WHOLE, onlyFailed: body.only_failed ?? false },
    inspect(_change, run, stored) {
      if (onLatestVersion && stored.dagId === dagId) newTasks.splice(0, newTasks.length, ...findNewTasks(run.graph, run.instances));
    },
    onLatestVersion,
    ...(typeof body.note === 'string' ? { runNote: body.note } : {}),
  };
}

/** @param newTasks receives the tasks that the run would have for the first time */
function addNewTasks(
  { dag_id: dagId, dag_run_id: runId }: RunPath,
  { note }: z.output<typeof clearBody>,
  newTasks: string[],
): RunOperation {
  return {
    selection: { dagId, runId },
    decide(run) {
      newTasks.splice(0, newTasks.length, ...findNewTasks(run.graph, run.instances));
      const isAgain = newTasks.length > 0 && (run.state === 'success' || run.state === 'failed');
      return { instances: [], scopes: [], run: isAgain ? 'queued' : 'stays' };
    },
    onLatestVersion: true,
    ...(typeof note === 'string' ? { runNote: note } : {}),
  };
}

async function describeClear(
  parts: ApiParts,
  operated: readonly OperatedRun[],
  newTasks: readonly string[],
): Promise<z.input<typeof clearResponse>> {
  const rows = await readTaskInstances(parts.database, changedIds(operated));
  const added = newTasks.map((taskId) => ({ task_id: taskId, task_display_name: taskId }));
  return { task_instances: [...rows.map(toTaskInstanceResponse), ...added], total_entries: rows.length + added.length };
}
