import type { MappedScope, RunGraph, SerializedTask } from '@tradewind/protocol';
import { selectClearedTasks, unite, type Relatives, type SelectedTasks, type TaskChoice } from './clear-selection.ts';
import type { FoundRun, FoundTaskInstance, RunChange, TaskInstanceChange } from './run-change.ts';

/** What of a run is to be cleared. */
export interface ClearOptions extends Relatives {
  /** Without it every task. */
  readonly tasks?: readonly TaskChoice[] | undefined;
  /** Only what failed or could not run. Together with `onlyRunning`: either. */
  readonly onlyFailed: boolean;
  readonly onlyRunning: boolean;
  /** Tasks that are meant beside those, each with what is below it: what markers of other runs stand for. */
  readonly marked?: readonly TaskChoice[] | undefined;
}

/** A task that says that a task of another dag depends on it (`externalTaskMarker`). */
export interface Marker {
  /** Its own task. */
  readonly marker: string;
  /** The task that it stands for. */
  readonly dagId: string;
  readonly taskId: string;
  /** How many markers may be followed one after the other, beginning here. */
  readonly recursionDepth: number;
}

/**
 * What a clear makes of a run: what has ended, or waits, becomes as if it had never run, and may be tried as often as at first on top of the tries that it had (Airflow's
 * `max_tries = try_number + retries`); what runs is stopped first. A run that had ended waits to be started again.
 */
export function planClear(run: FoundRun, options: ClearOptions): RunChange {
  const selected = selectAll(run.graph, options);
  const instances = run.instances.flatMap((instance): TaskInstanceChange[] => {
    const to = isSelected(run.graph, selected, instance) ? clearedState(instance, options) : undefined;
    return to === undefined ? [] : [{ instance, to, maxTries: triesAfterClear(run.graph, instance) }];
  });
  const isWhole = options.tasks === undefined && !options.onlyFailed && !options.onlyRunning;
  const isAgain = (instances.length > 0 || isWhole) && (run.state === 'success' || run.state === 'failed');
  return { instances, scopes: scopesToExpand(run, instances), run: isAgain ? 'queued' : 'stays' };
}

/** The markers that a clear takes up. One that is as if it had never run leads on, too: a clear that failed half way is done again, and then does the rest. */
export function findMarkers(run: FoundRun, options: ClearOptions): readonly Marker[] {
  const selected = selectAll(run.graph, options);
  const isTakenUp = (instance: FoundTaskInstance): boolean =>
    isSelected(run.graph, selected, instance) &&
    (instance.state === 'none' || instance.state === 'restarting' || clearedState(instance, options) !== undefined);
  const taken = new Set(run.instances.flatMap((instance) => (isTakenUp(instance) ? [instance.taskId] : [])));
  return run.graph.nodes.flatMap(({ task }) => (task.operator === 'external_task_marker' && taken.has(task.taskId) ? toMarker(task) : []));
}

/** The tasks of a newer version that the run never had. */
export function findNewTasks(graph: RunGraph, instances: readonly FoundTaskInstance[]): readonly string[] {
  const known = new Set(instances.map(({ taskId }) => taskId));
  return graph.nodes.flatMap(({ task }) => (known.has(task.taskId) ? [] : [task.taskId]));
}

/** How many tries a cleared task instance may have in all. */
export function triesAfterClear({ indexOf, nodes }: RunGraph, { taskId, tryNumber }: FoundTaskInstance): number {
  return tryNumber + (nodes[indexOf.get(taskId) ?? -1]?.task.retries ?? 0) + 1;
}

function selectAll(graph: RunGraph, options: ClearOptions): SelectedTasks {
  const selected = selectClearedTasks(graph, options.tasks, options);
  if (options.marked === undefined) return selected;
  return unite(selected, selectClearedTasks(graph, options.marked, { upstream: false, downstream: true }));
}

/** What is not a marker of ours, such as one of an operator of the same name, leads nowhere. */
function toMarker({ taskId: marker, fields }: SerializedTask): readonly Marker[] {
  const { dagId, taskId, recursionDepth } = fields ?? {};
  const isMarker = typeof dagId === 'string' && typeof taskId === 'string' && typeof recursionDepth === 'number';
  return isMarker ? [{ marker, dagId, taskId, recursionDepth }] : [];
}

function isSelected({ indexOf }: RunGraph, selected: SelectedTasks, { taskId, mapIndex, state }: FoundTaskInstance): boolean {
  const indexes = selected.get(indexOf.get(taskId) ?? -1);
  if (indexes === undefined) return false;
  // A surplus task instance comes back only together with all others of its task: the task is then expanded anew.
  return indexes === 'all' || (state !== 'removed' && indexes.has(mapIndex));
}

function clearedState({ state }: FoundTaskInstance, { onlyFailed, onlyRunning }: ClearOptions): 'none' | 'restarting' | undefined {
  // As if it had never run, or about to be.
  if (state === 'none' || state === 'restarting') return undefined;
  const isFailed = state === 'failed' || state === 'upstream_failed';
  const isWanted = (!onlyFailed && !onlyRunning) || (onlyFailed && isFailed) || (onlyRunning && state === 'running');
  if (!isWanted) return undefined;
  return state === 'running' ? 'restarting' : 'none';
}

/** A list that is made again may have another length, and a mapped task that is cleared as a whole is expanded as at first. */
function scopesToExpand({ graph, instances }: FoundRun, changes: readonly TaskInstanceChange[]): string[] {
  const cleared = new Set(changes.map(({ instance }) => instance.id));
  const byPlace = Map.groupBy(instances, ({ taskId }) => graph.indexOf.get(taskId) ?? -1);
  const isTouched = (place: number): boolean => (byPlace.get(place) ?? []).some(({ id }) => cleared.has(id));
  const isFresh = (place: number): boolean =>
    (byPlace.get(place) ?? []).every(({ id, state }) => cleared.has(id) || state === 'none' || state === 'removed');
  const isExpandedAnew = ({ members, sources }: MappedScope): boolean =>
    sources.some(isTouched) || (members.some(isTouched) && members.every(isFresh));
  return graph.scopes.filter(isExpandedAnew).map(({ id }) => id);
}
