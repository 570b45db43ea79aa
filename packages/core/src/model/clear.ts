import type { MappedScope, RunGraph } from '@tradewind/protocol';
import { selectClearedTasks, type Relatives, type SelectedTasks, type TaskChoice } from './clear-selection.ts';
import type { FoundRun, FoundTaskInstance, RunChange, TaskInstanceChange } from './run-change.ts';

/** What of a run is to be cleared. */
export interface ClearOptions extends Relatives {
  /** Without it every task. */
  readonly tasks?: readonly TaskChoice[] | undefined;
  /** Only what failed or could not run. Together with `onlyRunning`: either. */
  readonly onlyFailed: boolean;
  readonly onlyRunning: boolean;
}

/**
 * What a clear makes of a run: what has ended, or waits, becomes as if it had never run, and may be tried as often as at first on top of the tries that it had (Airflow's
 * `max_tries = try_number + retries`); what runs is stopped first. A run that had ended waits to be started again.
 */
export function planClear(run: FoundRun, options: ClearOptions): RunChange {
  const selected = selectClearedTasks(run.graph, options.tasks, options);
  const instances = run.instances.flatMap((instance): TaskInstanceChange[] => {
    const to = isSelected(run.graph, selected, instance) ? clearedState(instance, options) : undefined;
    return to === undefined ? [] : [{ instance, to, maxTries: triesAfterClear(run.graph, instance) }];
  });
  const isWhole = options.tasks === undefined && !options.onlyFailed && !options.onlyRunning;
  const isAgain = (instances.length > 0 || isWhole) && (run.state === 'success' || run.state === 'failed');
  return { instances, scopes: scopesToExpand(run, instances), run: isAgain ? 'queued' : 'stays' };
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
