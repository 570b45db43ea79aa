import { messageOf } from '../platform/errors.ts';
import { mapSideBySide } from '../platform/map-side-by-side.ts';
import type { ValueInRow } from '../platform/value-store.ts';
import { selectReturnValues } from '../store/active-runs.ts';
import type { ActiveNode, ActiveRun, ActiveTask } from './run-state.ts';
import type { SchedulerState } from './scheduler-state.ts';

/** A task of a run whose values somebody needs. */
export interface WantedValues {
  readonly run: ActiveRun;
  readonly node: ActiveNode;
}

/** What became of reading values. */
export interface RecalledValues {
  /** Why a value of one of the tasks cannot be read, in words; undefined where all of them are in memory now. */
  problemOf(wanted: readonly WantedValues[]): string | undefined;
  /** Lets go of values that lie outside of the database: they are large, and are read again when they are needed again. */
  forgetLarge(): void;
}

/** Reads the values that memory does not hold: large ones, and those from before this process took the run. */
export async function recallValues(state: SchedulerState, wanted: Iterable<WantedValues>): Promise<RecalledValues> {
  const missing = new Map<string, WantedValues>();
  for (const { run, node } of wanted) {
    if (node.instances.some((task) => task.state === 'success' && task.valueJson === undefined))
      missing.set(keyOf(run, node), { run, node });
  }
  const problems = new Map<string, string>();
  const large = new Set<ActiveTask>();
  const found = await readRows(state, [...missing.values()]);
  const unread = [...missing].flatMap(([key, { node }]) =>
    node.instances.flatMap((task) => (task.state === 'success' && task.valueJson === undefined ? [{ key, task }] : [])),
  );
  await mapSideBySide(unread, async ({ key, task }) => {
    const row = found.get(`${key}\n${task.mapIndex}`);
    try {
      task.valueJson = row === undefined ? 'null' : await readRow(state, row);
      if (row !== undefined && row.offloaded !== null) large.add(task);
    } catch (error) {
      problems.set(key, `the value of ${nameOf(task)} cannot be read: ${messageOf(error)}`);
    }
  });
  return {
    problemOf(asked) {
      if (problems.size === 0) return undefined;
      return asked.map(({ run, node }) => problems.get(keyOf(run, node))).find((problem) => problem !== undefined);
    },
    forgetLarge() {
      for (const task of large) task.valueJson = undefined;
    },
  };
}

/** The JSON text of what a task returned; of a mapped task the list of what its task instances did. */
export function valueJsonOf(node: ActiveNode): string | undefined {
  const only = node.instances[0];
  if (node.scope === undefined) return only?.state === 'success' ? (only.valueJson ?? 'null') : undefined;
  const values = node.instances.filter(({ state }) => state === 'success').map(({ valueJson }) => valueJson ?? 'null');
  return `[${values.join(',')}]`;
}

async function readRows(state: SchedulerState, wanted: readonly WantedValues[]): Promise<ReadonlyMap<string, ValueInRow>> {
  if (wanted.length === 0) return new Map();
  const asked = wanted.map(({ run, node }) => ({ dagRunId: run.row.id, taskId: node.graph.task.taskId }));
  const [rows] = await state.parts.database.batch([selectReturnValues(asked)]);
  return new Map(rows.map((row) => [`${row.dagRunId}\n${row.taskId}\n${row.mapIndex}`, row]));
}

async function readRow({ parts: { largeValues } }: SchedulerState, row: ValueInRow): Promise<string> {
  if (largeValues !== undefined) return largeValues.read(row);
  if (row.offloaded === null) return row.value;
  throw new Error('it lies outside of the database, and this scheduler has no store of large values');
}

function nameOf({ node, mapIndex }: ActiveTask): string {
  const { taskId } = node.graph.task;
  return mapIndex < 0 ? `task "${taskId}"` : `task "${taskId}", map index ${mapIndex},`;
}

function keyOf(run: ActiveRun, node: ActiveNode): string {
  return `${run.row.id}\n${node.graph.task.taskId}`;
}
