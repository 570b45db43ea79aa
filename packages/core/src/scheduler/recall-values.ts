import { selectReturnValues } from '../store/active-runs.ts';
import type { ActiveNode, ActiveRun } from './run-state.ts';
import type { SchedulerState } from './scheduler-state.ts';

/** A task of a run whose values somebody needs. */
export interface WantedValues {
  readonly run: ActiveRun;
  readonly node: ActiveNode;
}

/** Reads the values that memory does not hold: large ones, and those from before this process took the run. */
export async function recallValues(state: SchedulerState, wanted: Iterable<WantedValues>): Promise<void> {
  const missing = new Map<string, WantedValues>();
  for (const { run, node } of wanted) {
    if (node.instances.some((task) => task.state === 'success' && task.valueJson === undefined))
      missing.set(keyOf(run, node), { run, node });
  }
  if (missing.size === 0) return;
  const asked = [...missing.values()].map(({ run, node }) => ({ dagRunId: run.row.id, taskId: node.graph.task.taskId }));
  const [values] = await state.parts.database.batch([selectReturnValues(asked)]);
  const found = new Map(values.map(({ dagRunId, taskId, mapIndex, value }) => [`${dagRunId}\n${taskId}\n${mapIndex}`, value]));
  for (const [key, { node }] of missing) {
    for (const task of node.instances) if (task.state === 'success') task.valueJson ??= found.get(`${key}\n${task.mapIndex}`) ?? 'null';
  }
}

/** The JSON text of what a task returned; of a mapped task the list of what its task instances did. */
export function valueJsonOf(node: ActiveNode): string | undefined {
  const only = node.instances[0];
  if (node.scope === undefined) return only?.state === 'success' ? (only.valueJson ?? 'null') : undefined;
  const values = node.instances.filter(({ state }) => state === 'success').map(({ valueJson }) => valueJson ?? 'null');
  return `[${values.join(',')}]`;
}

function keyOf(run: ActiveRun, node: ActiveNode): string {
  return `${run.row.id}\n${node.graph.task.taskId}`;
}
