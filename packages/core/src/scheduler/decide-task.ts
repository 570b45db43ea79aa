/**
 * What follows from how the tasks of a run stand: which become ready, which end without running, and when the run has ended. Every decision is entered into the plan of the
 * tick, which writes it.
 */
import {
  decideReadiness,
  decideRunOutcome,
  isFinishedTaskInstanceState,
  type FinishedTaskInstanceState,
  type Readiness,
  type TryFailure,
} from '@tradewind/protocol';
import { markSkippedByChoice } from './apply-choice.ts';
import { scheduleTask } from './move-task.ts';
import { isUnexpanded, relevantInstances, type ActiveNode, type ActiveRun, type ActiveTask, type EndCounts } from './run-state.ts';
import type { TickPlan } from './tick-plan.ts';

/** Decides every task of which nothing was decided yet, and the run itself: for runs that were just started or read again. */
export function advanceRun(run: ActiveRun, plan: TickPlan): void {
  plan.touch(run);
  for (const node of run.nodes) decideNode(run, node, plan);
  finishRunIfDone(run, plan);
}

/** Decides everything that follows from the end of a task instance, without recursion: a dag may be 10,000 deep. */
export function spreadEnd(run: ActiveRun, ended: ActiveTask, plan: TickPlan): void {
  const open = [ended];
  for (let task = open.pop(); task !== undefined; task = open.pop()) {
    if (task.state === 'success') for (const skipped of markSkippedByChoice(run, task)) pushIfSettled(open, run, skipped, plan);
    countEnd(run, task);
    wakeExpansions(run, task, plan);
    for (const place of task.node.graph.dependents) {
      const node = run.nodes[place];
      if (node === undefined) continue;
      for (const dependent of decidable(node, task)) pushIfSettled(open, run, dependent, plan);
    }
  }
}

/** Decides the task instances of one task, and what follows from that. */
export function decideNode(run: ActiveRun, node: ActiveNode, plan: TickPlan): void {
  for (const task of node.instances) decideTask(run, task, plan);
}

/** Decides one task instance, and what follows from that. */
export function decideTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  if (decideOne(run, task, plan)) spreadEnd(run, task, plan);
}

/** none → an end without running; the caller spreads it. */
export function settleTask(
  run: ActiveRun,
  task: ActiveTask,
  end: { state: FinishedTaskInstanceState; failure?: TryFailure },
  plan: TickPlan,
): void {
  const { state, failure } = end;
  plan.settled.push({
    run,
    task,
    row: {
      id: task.id,
      epoch: task.epoch,
      state,
      failure: failure === undefined ? null : JSON.stringify(failure),
      decision: task.decision === null ? null : JSON.stringify(task.decision),
    },
  });
  task.state = state;
  run.unfinished -= 1;
  plan.touch(run);
}

/** Ends the run where nothing of it is left to do. */
export function finishRunIfDone(run: ActiveRun, plan: TickPlan): void {
  if (run.unfinished > 0 || run.isFinishing) return;
  const { markedState } = run.row;
  if (markedState !== null) {
    finishRun(run, { state: markedState, reason: 'marked' }, plan);
    return;
  }
  const outcome = decideRunOutcome(run.graph, (index) => (run.nodes[index]?.instances ?? []).map(({ state }) => state));
  finishRun(run, { state: outcome, reason: outcome === 'failed' ? 'task_failure' : null }, plan);
}

/** running → success | failed. */
export function finishRun(run: ActiveRun, end: { state: 'success' | 'failed'; reason: string | null }, plan: TickPlan): void {
  run.isFinishing = true;
  plan.finishedRuns.push({ run, ...end });
  plan.touch(run);
}

/** The task instances below an ended one that its end may decide: in a mapped group the one with its index. */
function decidable(node: ActiveNode, ended: ActiveTask): readonly ActiveTask[] {
  const isSameGroup = node.scope !== undefined && node.scope === ended.node.scope && node.scope.graph.kind === 'group';
  return isSameGroup && ended.mapIndex !== -1 ? node.instances.slice(ended.mapIndex, ended.mapIndex + 1) : node.instances;
}

function pushIfSettled(open: ActiveTask[], run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  if (decideOne(run, task, plan)) open.push(task);
}

function countEnd(run: ActiveRun, task: ActiveTask): void {
  const { state, node } = task;
  if (!isFinishedTaskInstanceState(state)) return;
  for (const place of node.graph.downstream) {
    const below = run.nodes[place];
    if (below === undefined) continue;
    if (!below.graph.inner.includes(node.graph.index)) below.outer[state] += 1;
    else for (const dependent of decidable(below, task)) if (dependent.inner !== undefined) dependent.inner[state] += 1;
  }
}

/** A source of a mapped task has ended: what was ready before may be expanded now. */
function wakeExpansions(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  for (const scope of run.scopes) {
    if (scope.waiting.size > 0 && scope.graph.sources.includes(task.node.graph.index)) plan.expanding.add({ run, scope });
  }
}

/** Decides one task instance of which nothing is decided. Returns whether it ended without running. */
function decideOne(run: ActiveRun, task: ActiveTask, plan: TickPlan): boolean {
  if (task.state !== 'none' || !task.isStored) return false;
  const readiness = readinessOf(run, task);
  if (readiness === 'wait' || isHeldBack(run, task, readiness, plan)) return false;
  if (readiness !== 'run') {
    settleTask(run, task, { state: readiness }, plan);
    return true;
  }
  const { isEmpty, task: authored } = task.node.graph;
  const refusal = run.refusals.get(authored.taskId);
  if (refusal !== undefined) {
    settleTask(run, task, { state: 'failed', failure: { kind: 'error', message: refusal } }, plan);
    return true;
  }
  const isLatestOnly = authored.decision?.kind === 'latest_only';
  if (!isEmpty && !isLatestOnly) {
    scheduleTask(run, task, plan);
    return false;
  }
  if (isLatestOnly) task.decision = { kind: 'latest_only', goesOn: plan.isLatest(run) };
  settleTask(run, task, { state: 'success' }, plan);
  return true;
}

/** Whether something besides its upstream has to come first: the expansion of a mapped task, or what it asks of earlier runs. */
function isHeldBack(run: ActiveRun, task: ActiveTask, readiness: Readiness, plan: TickPlan): boolean {
  const { scope } = task.node;
  if (readiness === 'run' && scope !== undefined && isUnexpanded(task.node)) {
    scope.waiting.add(task);
    plan.expanding.add({ run, scope });
    plan.touch(run);
    return true;
  }
  const { dependsOnPast, waitForDownstream, waitForPastDependsBeforeSkipping } = task.node.graph.task;
  if (task.isPastMet || (dependsOnPast !== true && waitForDownstream !== true)) return false;
  if (readiness !== 'run' && (readiness !== 'skipped' || waitForPastDependsBeforeSkipping !== true)) return false;
  run.waitingForPast.add(task);
  plan.touch(run);
  return true;
}

function readinessOf(run: ActiveRun, task: ActiveTask): Readiness {
  if (task.isSkippedByChoice) return 'skipped';
  const { graph, outer } = task.node;
  const unmet = graph.task.role === 'teardown' ? undefined : readinessOfSetups(run, task);
  if (unmet !== undefined) return unmet;
  const counts = task.inner === undefined ? outer : add(outer, task.inner);
  if (graph.setups.length === 0) return decideReadiness(graph.task.triggerRule, counts);
  const setups = graph.setups.flatMap((place) => instancesAt(run, place, task));
  return decideReadiness(graph.task.triggerRule, counts, {
    total: setups.length,
    success: setups.filter(({ state }) => state === 'success').length,
    skipped: setups.filter(({ state }) => state === 'skipped').length,
  });
}

/** What the setups further up say; undefined where all of them have succeeded. */
function readinessOfSetups(run: ActiveRun, task: ActiveTask): Readiness | undefined {
  let unmet: Readiness | undefined;
  for (const place of task.node.graph.indirectSetups) {
    for (const { state } of instancesAt(run, place, task)) {
      if (state === 'failed' || state === 'upstream_failed') return 'upstream_failed';
      if (state === 'skipped') unmet = 'skipped';
      else if (!isFinishedTaskInstanceState(state)) unmet ??= 'wait';
    }
  }
  return unmet;
}

function instancesAt(run: ActiveRun, place: number, task: ActiveTask): readonly ActiveTask[] {
  const node = run.nodes[place];
  return node === undefined ? [] : relevantInstances(node, task);
}

function add(one: EndCounts, other: EndCounts): EndCounts {
  return {
    total: one.total + other.total,
    success: one.success + other.success,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    upstream_failed: one.upstream_failed + other.upstream_failed,
    removed: one.removed + other.removed,
  };
}
