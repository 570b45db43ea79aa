/**
 * Dynamic mapping: a mapped task or group becomes as many task instances as the lists that it runs over have elements. The rows are created in portions, so that a tick stays
 * small; how many there are to be is written first.
 */
import { decodeJson, expandSources, isFinishedTaskInstanceState, type ExpandedSources } from '@tradewind/protocol';
import { countInner, newTask, rowOfNewTask } from './create-active-run.ts';
import { decideNode, decideTask, finishRunIfDone, removeSpare, settleTask, spreadEnd } from './decide-task.ts';
import { recallValues, valueJsonOf } from './recall-values.ts';
import type { ActiveNode, ActiveRun, ActiveScope, ActiveTask } from './run-state.ts';
import { DEFAULT_TICK_SIZE, type SchedulerState } from './scheduler-state.ts';
import { sizeOf, type TickPlan } from './tick-plan.ts';

/** Expands what became ready to be, and decides what follows; that may make more ready. */
export async function expandScopes(state: SchedulerState, plan: TickPlan): Promise<void> {
  while (plan.expanding.size > 0) {
    const expanding = [...plan.expanding].filter(({ run, scope }) => scope.length === undefined && sourcesHaveEnded(run, scope));
    plan.expanding.clear();
    await recallValues(
      state,
      expanding.flatMap(({ run, scope }) => sourcesOf(run, scope).map((node) => ({ run, node }))),
    );
    for (const { run, scope } of expanding) {
      expandScope(state, run, scope, plan);
      finishRunIfDone(run, plan);
    }
    createPending(state, plan);
  }
}

/** Gives task instances that have no row yet theirs, as many as the tick has room for, and decides them. */
export function createPending(state: SchedulerState, plan: TickPlan): void {
  const most = state.parts.tickSize ?? DEFAULT_TICK_SIZE;
  for (const run of state.growing) {
    while (run.pending.length > 0 && sizeOf(plan) < most) {
      const portion = run.pending.splice(0, most - sizeOf(plan));
      for (const task of portion) {
        task.isStored = true;
        plan.created.push(rowOfNewTask(run, task));
      }
      for (const task of portion) decideTask(run, task, plan);
      finishRunIfDone(run, plan);
      plan.touch(run);
    }
    if (run.pending.length > 0) return;
    state.growing.delete(run);
  }
}

/** Reads what a mapped scope runs over, for its task instances to be given their elements; undefined where that is no longer readable. */
export function readSources(run: ActiveRun, scope: ActiveScope): ExpandedSources {
  const values = new Map(sourcesOf(run, scope).map((node) => [node.graph.task.taskId, valueJsonOf(node)]));
  return expandSources(scope.graph.expansion, (taskId) => decodeJson(values.get(taskId) ?? 'null'));
}

/** The tasks whose values a scope runs over. */
export function sourcesOf(run: ActiveRun, scope: ActiveScope): ActiveNode[] {
  return scope.graph.sources.flatMap((place) => run.nodes[place] ?? []);
}

function expandScope(state: SchedulerState, run: ActiveRun, scope: ActiveScope, plan: TickPlan): void {
  const waiting = [...scope.waiting];
  scope.waiting.clear();
  // What fails or is skipped upstream of a task that runs all the same leaves it without a list (Airflow's NotFullyPopulated).
  if (!sourcesHaveSucceeded(run, scope)) {
    settleAll(run, waiting, { state: 'upstream_failed' }, plan);
    return;
  }
  const sources = readSources(run, scope);
  if (!sources.ok) {
    settleAll(
      run,
      waiting,
      { state: 'failed', failure: { kind: 'bad_value', message: `the task could not be mapped: ${sources.problem}` } },
      plan,
    );
    return;
  }
  scope.length = sources.length;
  scope.sources = sources;
  plan.expanded.push({ dagRunId: run.row.id, scopeId: scope.graph.id, length: sources.length });
  plan.touch(run);
  const members = scope.graph.members.flatMap((place) => run.nodes[place] ?? []);
  if (sources.length === 0) {
    const standing = members.flatMap(({ instances }) => instances.filter(({ state: now }) => now === 'none'));
    for (const node of members) removeSpare(run, node, plan);
    settleAll(run, standing, { state: 'skipped' }, plan);
    return;
  }
  for (const node of members) expandNode(state, run, node, plan);
  for (const node of members) for (const task of node.instances) countInner(run, task);
  for (const node of members) decideNode(run, node, plan);
}

/** One task instance stood for all; now there are as many as the scope is long, those of an earlier expansion first. */
function expandNode(state: SchedulerState, run: ActiveRun, node: ActiveNode, plan: TickPlan): void {
  const first = node.instances[0];
  const length = node.scope?.length ?? 0;
  if (first === undefined || isFinishedTaskInstanceState(first.state)) return;
  if (first.mapIndex === -1) {
    first.mapIndex = 0;
    if (first.isStored) plan.indexed.push({ id: first.id, epoch: first.epoch });
  }
  const earlier = new Map(node.spare.splice(0).map((task) => [task.mapIndex, task]));
  for (let index = 1; index < length; index += 1) {
    const known = earlier.get(index);
    earlier.delete(index);
    const task = known ?? newTask(node, state.parts.random.uuid(), index);
    node.instances.push(task);
    if (known !== undefined) continue;
    state.byTaskInstance.set(task.id, { run, task });
    run.pending.push(task);
    run.unfinished += 1;
  }
  if (run.pending.length > 0) state.growing.add(run);
  node.spare.push(...earlier.values());
  removeSpare(run, node, plan);
  for (const place of node.graph.downstream) {
    const below = run.nodes[place];
    if (below !== undefined && !below.graph.inner.includes(node.graph.index)) below.outer.total += length - 1;
  }
}

function settleAll(run: ActiveRun, tasks: readonly ActiveTask[], end: Parameters<typeof settleTask>[2], plan: TickPlan): void {
  for (const task of tasks) {
    if (task.state !== 'none') continue;
    settleTask(run, task, end, plan);
    spreadEnd(run, task, plan);
  }
}

function sourcesHaveEnded(run: ActiveRun, scope: ActiveScope): boolean {
  return sourcesOf(run, scope).every((node) => node.instances.every(({ state }) => isFinishedTaskInstanceState(state)));
}

function sourcesHaveSucceeded(run: ActiveRun, scope: ActiveScope): boolean {
  return sourcesOf(run, scope).every(({ instances, scope: own }) =>
    own === undefined ? instances[0]?.state === 'success' : instances.some(({ state }) => state === 'success'),
  );
}
