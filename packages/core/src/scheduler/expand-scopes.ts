/**
 * Dynamic mapping: a mapped task or group becomes as many task instances as the lists that it runs over have elements. The rows are created in portions, so that a tick stays
 * small; how many there are to be is written first.
 */
import { decodeJson, expandSources, isFinishedTaskInstanceState, type ExpandedSources } from '@tradewind/protocol';
import { countInner, newTask, rowOfNewTask } from './create-active-run.ts';
import { decideNode, decideTask, finishRunIfDone, settleTask, spreadEnd } from './decide-task.ts';
import { recallValues, valueJsonOf, type WantedValues } from './recall-values.ts';
import { standsForAll, type ActiveNode, type ActiveRun, type ActiveScope, type ActiveTask } from './run-state.ts';
import { DEFAULT_TICK_SIZE, type SchedulerState } from './scheduler-state.ts';
import { sizeOf, type TickPlan } from './tick-plan.ts';

/** Expands what became ready to be, and decides what follows; that may make more ready. */
export async function expandScopes(state: SchedulerState, plan: TickPlan): Promise<void> {
  while (plan.expanding.size > 0) {
    const expanding = [...plan.expanding].filter(({ run, scope }) => scope.length === undefined && sourcesHaveEnded(run, scope));
    plan.expanding.clear();
    const recalled = await recallValues(
      state,
      expanding.flatMap(({ run, scope }) => wantedBy(run, scope)),
    );
    for (const { run, scope } of expanding) {
      const problem = recalled.problemOf(wantedBy(run, scope));
      // Several of its task instances, or sources, may have asked for it.
      if (scope.length === undefined) expandScope(state, { run, scope, problem }, plan);
      finishRunIfDone(run, plan);
    }
    recalled.forgetLarge();
    createPending(state, plan);
  }
}

/** Gives task instances that have no row yet theirs, as many as the tick has room for, and decides them. */
export function createPending(state: SchedulerState, plan: TickPlan): void {
  const most = state.parts.tickSize ?? DEFAULT_TICK_SIZE;
  for (const run of state.growing) {
    while (run.pending.length > 0 && sizeOf(plan) < most) {
      const portion = createRows(run, most - sizeOf(plan), plan);
      expandLateMembers(state, run, plan);
      for (const task of portion) decideTask(run, task, plan);
      finishRunIfDone(run, plan);
    }
    if (run.pending.length > 0) return;
    state.growing.delete(run);
  }
}

/**
 * Gives all task instances of a run that have no row yet theirs, however many, and decides nothing: for a run that is stopped, which must leave none of them out. With the stop in the same
 * tick, nothing has to remember it.
 */
export function createAllPending(state: SchedulerState, run: ActiveRun, plan: TickPlan): ActiveTask[] {
  state.growing.delete(run);
  return createRows(run, run.pending.length, plan);
}

function createRows(run: ActiveRun, most: number, plan: TickPlan): ActiveTask[] {
  const portion = run.pending.splice(0, most);
  for (const task of portion) {
    task.isStored = true;
    plan.created.push(rowOfNewTask(run, task));
  }
  plan.touch(run);
  return portion;
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

function wantedBy(run: ActiveRun, scope: ActiveScope): WantedValues[] {
  return sourcesOf(run, scope).map((node) => ({ run, node }));
}

interface Expanding {
  readonly run: ActiveRun;
  readonly scope: ActiveScope;
  /** Why its lists cannot be read. */
  readonly problem: string | undefined;
}

function expandScope(state: SchedulerState, { run, scope, problem }: Expanding, plan: TickPlan): void {
  const waiting = [...scope.waiting];
  scope.waiting.clear();
  // What fails or is skipped upstream of a task that runs all the same leaves it without a list (Airflow's NotFullyPopulated).
  if (!sourcesHaveSucceeded(run, scope)) {
    settleAll(run, waiting, { state: 'upstream_failed' }, plan);
    return;
  }
  const sources = problem === undefined ? readSources(run, scope) : ({ ok: false, problem } as const);
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
  growMembers(state, run, scope, plan);
}

/**
 * Gives tasks of a mapped group that was expanded before they were part of it, or before they were cleared, their task instances, and takes off again what was cleared of an earlier expansion to more.
 */
export function expandLateMembers(state: SchedulerState, run: ActiveRun, plan: TickPlan): void {
  for (const scope of run.scopes) {
    const { length } = scope;
    if (length === undefined) continue;
    const members = membersOf(run, scope);
    const isLate = (node: ActiveNode): boolean => standsForAll(node) && node.instances[0]?.state === 'none' && node.instances[0].isStored;
    const hasSurplus = waitingOf(members).some(({ mapIndex }) => mapIndex >= length);
    if (hasSurplus || members.some(isLate)) growMembers(state, run, scope, plan);
  }
}

/** Makes the task instances of a mapped scope as many as it is long, and decides them. */
function growMembers(state: SchedulerState, run: ActiveRun, scope: ActiveScope, plan: TickPlan): void {
  const members = membersOf(run, scope);
  const { length = 0 } = scope;
  const first = waitingOf(members).filter(({ mapIndex }) => mapIndex < 1);
  if (length === 0) settleAll(run, first, { state: 'skipped' }, plan);
  else for (const node of members) growNode(state, run, node, plan);
  const surplus = waitingOf(members).filter(({ mapIndex }) => mapIndex >= length);
  settleAll(run, surplus, { state: 'removed' }, plan);
  for (const node of members) for (const task of node.instances) countInner(run, task);
  for (const node of members) decideNode(run, node, plan);
}

/** What stood for all is the first; what an earlier expansion has left stays. */
function growNode(state: SchedulerState, run: ActiveRun, node: ActiveNode, plan: TickPlan): void {
  const first = node.instances[0];
  const length = node.scope?.length ?? 0;
  if (first === undefined) return;
  if (standsForAll(node)) {
    // What has ended before it was known how many there are has ended for all of them.
    if (isFinishedTaskInstanceState(first.state)) return;
    first.mapIndex = 0;
    if (first.isStored) plan.indexed.push({ id: first.id, epoch: first.epoch });
  }
  const grown = Math.max(0, length - node.instances.length);
  for (let index = node.instances.length; index < length; index += 1) {
    const task = newTask(node, state.parts.random.uuid(), index);
    node.instances.push(task);
    state.byTaskInstance.set(task.id, { run, task });
    run.pending.push(task);
    run.unfinished += 1;
  }
  if (run.pending.length > 0) state.growing.add(run);
  for (const place of node.graph.downstream) {
    const below = run.nodes[place];
    if (below !== undefined && !below.graph.inner.includes(node.graph.index)) below.outer.total += grown;
  }
}

function membersOf(run: ActiveRun, scope: ActiveScope): ActiveNode[] {
  return scope.graph.members.flatMap((place) => run.nodes[place] ?? []);
}

function waitingOf(nodes: readonly ActiveNode[]): ActiveTask[] {
  return nodes.flatMap(({ instances }) => instances.filter(({ state, isStored }) => state === 'none' && isStored));
}

/** Ends all of them before anything follows from it: what one of them leads to may be another one. */
function settleAll(run: ActiveRun, tasks: readonly ActiveTask[], end: Parameters<typeof settleTask>[2], plan: TickPlan): void {
  const open = tasks.filter(({ state }) => state === 'none');
  for (const task of open) settleTask(run, task, end, plan);
  for (const task of open) spreadEnd(run, task, plan);
}

function sourcesHaveEnded(run: ActiveRun, scope: ActiveScope): boolean {
  return sourcesOf(run, scope).every((node) => node.instances.every(({ state }) => isFinishedTaskInstanceState(state)));
}

function sourcesHaveSucceeded(run: ActiveRun, scope: ActiveScope): boolean {
  return sourcesOf(run, scope).every(({ instances, scope: own }) =>
    own === undefined ? instances[0]?.state === 'success' : instances.some(({ state }) => state === 'success'),
  );
}
