import { TASK_INSTANCE_STATES } from '@tradewind/protocol';
import { z } from 'zod';
import type { TaskChoice } from '../../model/clear-selection.ts';
import { planMark, type MarkedState } from '../../model/mark.ts';
import { tasksOfGroup } from '../../model/tasks-of-group.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { RunOperation } from '../../store/operate-on-dag-runs.ts';
import { findDagDefinition } from '../../store/reads/dags.ts';
import { listTaskInstances, type TaskInstanceSummary } from '../../store/reads/task-instances.ts';
import { setTaskInstanceNotes } from '../../store/transitions/set-note.ts';
import type { ApiParts } from '../api-parts.ts';
import { changedIds, operate, readTaskInstances, rehearse } from '../operate-on-dag-runs.ts';
import { integer, list, oneOf, optional, text } from '../query-schemas.ts';
import { InvalidRequest } from '../request-problems.ts';
import { apiRoute, type Route } from '../route.ts';
import { noteText } from './clear-task-instances.ts';
import { requireDagRun } from './dag-runs.ts';
import { requireTask, requireTaskInstance, taskInstanceCollection, toTaskInstanceCollection } from './task-instances.ts';

const MARKS: readonly MarkedState[] = ['success', 'failed', 'skipped'];

const patchBody = z.strictObject({
  new_state: oneOf([...TASK_INSTANCE_STATES, 'awaiting_input']).nullish(),
  note: noteText.nullish(),
  include_upstream: z.boolean().default(false),
  include_downstream: z.boolean().default(false),
  include_future: z.boolean().default(false),
  include_past: z.boolean().default(false),
});

type PatchBody = z.output<typeof patchBody>;

const RUN_URL = '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}';
const runParams = { dag_id: text, dag_run_id: text };
const MASKED = ['new_state', 'note', 'include_upstream', 'include_downstream', 'include_future', 'include_past'] as const;
const mask = { update_mask: list(oneOf(MASKED)) };

/** Which task instances of a run a request names. */
interface Target {
  readonly dagId: string;
  readonly runId: string;
  readonly tasks: readonly TaskChoice[];
}

/** Gives the task instances of a task a state, or a note. */
export const patchTaskInstance = apiRoute({
  ...patchRoute('patch_task_instance', `${RUN_URL}/taskInstances/{task_id}`),
  params: z.object({ ...runParams, task_id: text }),
  query: z.object({ ...mask, map_index: optional(integer({ minimum: -1 })) }),
  async handler({ params, query, body }, parts) {
    return patch(parts, await taskTarget(parts, { ...params, map_index: query.map_index }), narrow(body, query.update_mask));
  },
});

/** The same for one map index. */
export const patchMappedTaskInstance = apiRoute({
  ...patchRoute('patch_task_instance_by_map_index', `${RUN_URL}/taskInstances/{task_id}/{map_index}`),
  params: z.object({ ...runParams, task_id: text, map_index: integer({ minimum: -1 }) }),
  query: z.object(mask),
  async handler({ params, query, body }, parts) {
    return patch(parts, await taskTarget(parts, params), narrow(body, query.update_mask));
  },
});

/** The same for every task of a group. */
export const patchTaskGroupInstances = apiRoute({
  ...patchRoute('patch_task_group_instances', `${RUN_URL}/taskGroupInstances/{group_id}`),
  params: z.object({ ...runParams, group_id: text }),
  query: z.object(mask),
  async handler({ params, query, body }, parts) {
    return patch(parts, await groupTarget(parts, params), narrow(body, query.update_mask));
  },
});

/** Says which task instances the state would be given to. */
export const patchTaskInstanceDryRun = apiRoute({
  ...patchRoute('patch_task_instance_dry_run', `${RUN_URL}/taskInstances/{task_id}/dry_run`),
  params: z.object({ ...runParams, task_id: text }),
  query: z.object({ ...mask, map_index: optional(integer({ minimum: -1 })) }),
  async handler({ params, query, body }, parts) {
    return rehearsePatch(parts, await taskTarget(parts, { ...params, map_index: query.map_index }), narrow(body, query.update_mask));
  },
});

/** The same for one map index. */
export const patchMappedTaskInstanceDryRun = apiRoute({
  ...patchRoute('patch_task_instance_dry_run_by_map_index', `${RUN_URL}/taskInstances/{task_id}/{map_index}/dry_run`),
  params: z.object({ ...runParams, task_id: text, map_index: integer({ minimum: -1 }) }),
  query: z.object(mask),
  async handler({ params, query, body }, parts) {
    return rehearsePatch(parts, await taskTarget(parts, params), narrow(body, query.update_mask));
  },
});

/** The same for every task of a group. */
export const patchTaskGroupInstancesDryRun = apiRoute({
  ...patchRoute('patch_task_group_instances_dry_run', `${RUN_URL}/taskGroupInstances/{group_id}/dry_run`),
  params: z.object({ ...runParams, group_id: text }),
  async handler({ params, body }, parts) {
    return rehearsePatch(parts, await groupTarget(parts, params), body);
  },
});

function patchRoute(operationId: string, url: string) {
  const policy: Route['policy'] = { kind: 'role', atLeast: 'user', resource: 'task instance', action: 'edit' };
  return { operationId, method: 'PATCH', url, policy, body: patchBody, response: taskInstanceCollection } as const;
}

/** Marks first and notes after, so that a refused mark leaves no note. */
async function patch(parts: ApiParts, target: Target, body: PatchBody): Promise<z.input<typeof taskInstanceCollection>> {
  const state = readState(body);
  if (state === undefined && body.note === undefined) {
    throw new TradewindError(
      'bad_request',
      'There is nothing to change: give new_state or note, and name it in update_mask where there is one.',
    );
  }
  const marked = state === undefined ? [] : changedIds(await operate(parts, toOperation(target, body, state)), (to) => to === state);
  const named = await namedTaskInstances(parts, target);
  if (state !== undefined && marked.length === 0) {
    const names = target.tasks.map(({ taskId }) => taskId).join(', ');
    throw new TradewindError('conflict', `Task id ${names} is already in ${state} state`);
  }
  const noted = body.note === undefined ? [] : named.map(({ id }) => id);
  if (body.note !== undefined) await parts.database.batch([setTaskInstanceNotes(noted, body.note)]);
  const rows = await readTaskInstances(parts.database, [...new Set([...noted, ...marked])]);
  return toTaskInstanceCollection({ rows, total: rows.length });
}

async function rehearsePatch(parts: ApiParts, target: Target, body: PatchBody): Promise<z.input<typeof taskInstanceCollection>> {
  const state = readState(body);
  const ids = state === undefined ? [] : changedIds(await rehearse(parts, toOperation(target, body, state)), (to) => to === state);
  const rows = await readTaskInstances(parts.database, ids);
  return toTaskInstanceCollection({ rows, total: rows.length });
}

function toOperation({ dagId, runId, tasks }: Target, body: PatchBody, state: MarkedState): RunOperation {
  const options = { tasks, state, upstream: body.include_upstream, downstream: body.include_downstream };
  return {
    selection: { dagId, runId, past: body.include_past, future: body.include_future },
    decide: (run) => planMark(run, options),
  };
}

function readState({ new_state: state }: PatchBody): MarkedState | undefined {
  if (state === undefined || state === null) return undefined;
  const mark = MARKS.find((each) => each === state);
  if (mark !== undefined) return mark;
  const msg = `'${state}' is not one of ${MARKS.map((each) => `'${each}'`).join(', ')}`;
  throw new InvalidRequest([{ type: 'value_error', loc: ['body', 'new_state'], msg, input: state }]);
}

/** Of a body with a mask only what the mask names counts. */
function narrow(body: PatchBody, fields: readonly string[]): PatchBody {
  if (fields.length === 0) return body;
  const { new_state: state, note, ...relatives } = body;
  return { ...relatives, ...(fields.includes('new_state') ? { new_state: state } : {}), ...(fields.includes('note') ? { note } : {}) };
}

async function taskTarget(
  { database }: ApiParts,
  path: { readonly dag_id: string; readonly dag_run_id: string; readonly task_id: string; readonly map_index?: number | undefined },
): Promise<Target> {
  const name = { dagId: path.dag_id, runId: path.dag_run_id, taskId: path.task_id };
  if (path.map_index === undefined) await requireTask(database, name);
  else await requireTaskInstance(database, { ...name, mapIndex: path.map_index });
  const choice = path.map_index === undefined ? { taskId: path.task_id } : { taskId: path.task_id, mapIndex: path.map_index };
  return { dagId: path.dag_id, runId: path.dag_run_id, tasks: [choice] };
}

async function groupTarget(
  { database }: ApiParts,
  path: { readonly dag_id: string; readonly dag_run_id: string; readonly group_id: string },
): Promise<Target> {
  const run = await requireDagRun(database, path.dag_id, path.dag_run_id);
  const dag = await findDagDefinition(database, path.dag_id, run.dagVersion.id);
  const tasks = dag === undefined ? [] : tasksOfGroup(dag, path.group_id);
  if (tasks.length > 0) return { dagId: path.dag_id, runId: path.dag_run_id, tasks: tasks.map((taskId) => ({ taskId })) };
  throw new TradewindError('not_found', `Task group '${path.group_id}' was not found in the version of run '${path.dag_run_id}'`);
}

/** Every task instance that a target names: a mapped task may have many. */
async function namedTaskInstances({ database }: ApiParts, { dagId, runId, tasks }: Target): Promise<readonly TaskInstanceSummary[]> {
  const [only] = tasks;
  const mapIndexes = tasks.length === 1 && only?.mapIndex !== undefined ? [only.mapIndex] : [];
  const filter = { readable: 'all', dagId, runId, taskIds: tasks.map(({ taskId }) => taskId), mapIndexes } as const;
  const { rows } = await listTaskInstances(database, filter, { limit: MOST_NAMED, offset: 0 });
  return rows;
}

/** More than any group has. */
const MOST_NAMED = 1_000_000;
