import {
  decideRunOutcome,
  isFinishedDagRunState,
  isFinishedTaskInstanceState,
  reachableFrom,
  type TaskInstanceState,
} from '@tradewind/protocol';
import { triesAfterClear } from './clear.ts';
import { selectTasks, type Relatives, type TaskChoice } from './clear-selection.ts';
import type { FoundRun, FoundTaskInstance, RunChange, TaskInstanceChange } from './run-change.ts';

/** The states that people may give a task instance. */
export type MarkedState = 'success' | 'failed' | 'skipped';

/** Which task instances of a run are to be in which state. */
export interface MarkOptions extends Relatives {
  readonly tasks: readonly TaskChoice[];
  readonly state: MarkedState;
}

/**
 * What a mark makes of a run: the chosen task instances are in the state, whatever they were, and what failed or could not run below them is cleared, so that it is decided
 * again. A run that had ended runs again where something was cleared; else its verdict is what its task instances now say.
 */
export function planMark(run: FoundRun, { tasks, state, ...relatives }: MarkOptions): RunChange {
  const { graph, instances } = run;
  const selected = selectTasks(graph, tasks, relatives);
  const isChosen = ({ taskId, mapIndex }: FoundTaskInstance): boolean => {
    const indexes = selected.get(graph.indexOf.get(taskId) ?? -1);
    return indexes === 'all' || indexes?.has(mapIndex) === true;
  };
  const below = reachableFrom(selected.keys(), (place) => graph.nodes[place]?.downstream ?? []);
  const changes = instances.flatMap((instance): TaskInstanceChange[] => {
    if (isChosen(instance)) return instance.state === state || instance.state === 'removed' ? [] : [markOf(instance, state)];
    const isBlocked = instance.state === 'failed' || instance.state === 'upstream_failed';
    const isCleared = isBlocked && below.has(graph.indexOf.get(instance.taskId) ?? -1);
    return isCleared ? [{ instance, to: 'none', maxTries: triesAfterClear(graph, instance) }] : [];
  });
  // What waits below may be decided any moment from what is about to be different.
  const reliesOn = instances.filter(({ taskId, state: found }) => found === 'none' && below.has(graph.indexOf.get(taskId) ?? -1));
  return { instances: changes, reliesOn, scopes: [], run: fateOf(run, changes) };
}

/**
 * What the mark of a whole run makes of it (Airflow's `set_dag_run_state_to_success` and `…_to_failed`): success is everything a success; failed is what works or waits outside of
 * the line a failure, and the rest of what has not ended skipped. Teardowns that have not ended still run; until they have, the run keeps the verdict in mind.
 */
export function planDagRunMark(run: FoundRun, state: 'success' | 'failed'): RunChange {
  const { graph, instances } = run;
  const isOpenTeardown = (instance: FoundTaskInstance): boolean =>
    graph.nodes[graph.indexOf.get(instance.taskId) ?? -1]?.task.role === 'teardown' && !isFinishedTaskInstanceState(instance.state);
  const changes = instances.flatMap((instance): TaskInstanceChange[] => {
    if (isOpenTeardown(instance)) return [];
    const to = state === 'success' ? stateInSuccess(instance) : stateInFailure(instance);
    return to === undefined ? [] : [markOf(instance, to)];
  });
  if (instances.some(isOpenTeardown)) return { instances: changes, scopes: [], run: 'stays', markedState: state };
  return { instances: changes, scopes: [], run: run.state === state ? 'stays' : state };
}

function stateInSuccess({ state }: FoundTaskInstance): 'success' | undefined {
  return state === 'success' || state === 'removed' ? undefined : 'success';
}

function stateInFailure({ state }: FoundTaskInstance): 'failed' | 'skipped' | undefined {
  switch (state) {
    case 'running':
    case 'restarting':
    case 'deferred':
    case 'up_for_reschedule':
      return 'failed';
    case 'none':
    case 'scheduled':
    case 'queued':
    case 'up_for_retry':
      return 'skipped';
    case 'success':
    case 'failed':
    case 'skipped':
    case 'upstream_failed':
    case 'removed':
      return undefined;
  }
}

function markOf(instance: FoundTaskInstance, to: MarkedState): TaskInstanceChange {
  return { instance, to, maxTries: instance.maxTries };
}

function fateOf({ state, graph, instances }: FoundRun, changes: readonly TaskInstanceChange[]): RunChange['run'] {
  if (!isFinishedDagRunState(state) || changes.length === 0) return 'stays';
  if (changes.some(({ to }) => to === 'none')) return 'queued';
  const changed = new Map(changes.map(({ instance, to }) => [instance.id, to]));
  const byTask = Map.groupBy(instances, ({ taskId }) => taskId);
  const statesOf = (index: number): TaskInstanceState[] =>
    (byTask.get(graph.nodes[index]?.task.taskId ?? '') ?? []).map((instance) => changed.get(instance.id) ?? instance.state);
  const verdict = decideRunOutcome(graph, statesOf);
  return verdict === state ? 'stays' : verdict;
}
