import { decodeJson, type DagRunStates, type JsonValue, type SerializedDag, type TaskResponse } from '@tradewind/protocol';
import { tasksOfGroup } from '../../model/tasks-of-group.ts';
import { instantOrNull } from '../../model/instant-text.ts';
import type { Database } from '../../store/database.ts';
import { readSerializedDag } from '../../store/reads/attempts.ts';
import { findDag } from '../../store/reads/dags.ts';
import { listRunStates, listTaskInstanceStates, type RunWithState } from '../../store/reads/dag-run-states.ts';
import type { RequestOf } from './task-services.ts';

type Wish = RequestOf<'dag_run_states'>;

/** How runs of a dag of this environment stand, and what was asked for of their task instances. Every task may ask about every dag. */
export async function answerDagRunStates(database: Database, wish: Wish): Promise<TaskResponse> {
  const { dagId, logicalDates = [], runIds = [] } = wish;
  const dag = await findDag(database, dagId);
  if (dag === undefined) return { ok: false, code: 'not_found', message: `there is no dag "${dagId}" in this environment` };
  const logicalAt = logicalDates.map((date) => Date.parse(date));
  const bad = logicalDates.find((_, index) => !Number.isFinite(logicalAt[index]));
  if (bad !== undefined) return { ok: false, code: 'bad_request', message: `${JSON.stringify(bad)} is no instant in ISO 8601` };
  const runs = await listRunStates(database, { dagId, logicalAt, runIds });
  const tasks = await findTasks(database, wish, [dag.dagVersionId, ...runs.map(({ dagVersionId }) => dagVersionId)]);
  if (!tasks.ok) return { ok: false, code: 'not_found', message: tasks.message };
  const states: DagRunStates = { runs: await withTaskInstances(database, runs, tasks.taskIds) };
  return { ok: true, value: states as unknown as JsonValue };
}

type FoundTasks = { readonly ok: true; readonly taskIds: readonly string[] } | { readonly ok: false; readonly message: string };

/** The tasks that are asked about: they must be in the dag as it is now, or as one of the runs has it. */
async function findTasks(database: Database, { dagId, taskIds, groupId }: Wish, versions: readonly string[]): Promise<FoundTasks> {
  if (taskIds === undefined && groupId === undefined) return { ok: true, taskIds: [] };
  const dags: SerializedDag[] = [];
  for (const version of new Set(versions)) {
    const serialized = await readSerializedDag(database, version);
    if (serialized !== undefined) dags.push(decodeJson(serialized) as unknown as SerializedDag);
  }
  const known = new Set(dags.flatMap(({ tasks }) => tasks.map(({ taskId }) => taskId)));
  const unknown = (taskIds ?? []).find((taskId) => !known.has(taskId));
  if (unknown !== undefined) return { ok: false, message: `dag "${dagId}" has no task "${unknown}"` };
  const ofGroup = groupId === undefined ? [] : dags.flatMap((dag) => tasksOfGroup(dag, groupId));
  if (groupId !== undefined && ofGroup.length === 0)
    return { ok: false, message: `dag "${dagId}" has no group "${groupId}" with tasks in it` };
  return { ok: true, taskIds: [...new Set([...(taskIds ?? []), ...ofGroup])] };
}

async function withTaskInstances(
  database: Database,
  runs: readonly RunWithState[],
  taskIds: readonly string[],
): Promise<DagRunStates['runs']> {
  const instances = await listTaskInstanceStates(
    database,
    runs.map(({ id }) => id),
    taskIds,
  );
  const byRun = Map.groupBy(instances, ({ dagRunId }) => dagRunId);
  return runs.map(({ id, runId, state, logicalAt }) => ({
    runId,
    state,
    logicalDate: instantOrNull(logicalAt),
    taskInstances: (byRun.get(id) ?? []).map(({ taskId, mapIndex, state: found }) => ({ taskId, mapIndex, state: found })),
  }));
}
