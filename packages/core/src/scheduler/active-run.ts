/**
 * A run that this scheduler holds, in memory. States of a task instance move here exactly as in `protocol/states.ts`; every move is also entered
 * into the plan of the current tick, which writes it. Where the write is refused, the run is dropped and read again, so memory never leads for long.
 */
import {
  decideReadiness,
  isFinishedTaskInstanceState,
  type Attempt,
  type FinishedTaskInstanceState,
  type JsonObject,
  type TriggeringEvent,
} from '@tradewind/protocol';
import { decideRunOutcome, type DagGraph } from '../model/dag-graph.ts';
import type { TryEnd } from '../model/try-end.ts';
import type { ActiveDagRun } from '../store/transitions/start-dag-runs.ts';
import type { StoredTaskInstance } from '../store/active-runs.ts';
import type { ActiveRun, ActiveTask } from './run-state.ts';
import type { TickPlan } from './tick-plan.ts';

/** Larger values are read again from the database when a task needs them. */
export const MAX_REMEMBERED_VALUE_LENGTH = 16_384;

/** What a run is made of when a scheduler takes it. */
export interface ActiveRunParts {
  readonly row: ActiveDagRun;
  readonly graph: DagGraph;
  readonly params: JsonObject;
  readonly events: readonly TriggeringEvent[];
  /** The task instances that exist; those missing are created with ids from `newId`. */
  readonly stored: readonly StoredTaskInstance[];
  readonly newId: () => string;
}

/** Builds a run from what is stored, and counts for each task how its upstream stands. Decides nothing yet: see `advanceRun`. */
export function createActiveRun({ row, graph, params, events, stored, newId }: ActiveRunParts, plan: TickPlan): ActiveRun {
  const known = new Map(stored.map((instance) => [instance.taskId, instance]));
  const tasks = graph.tasks.map(({ task, upstream }, index): ActiveTask => {
    const instance = known.get(task.taskId);
    if (instance === undefined) {
      const id = newId();
      plan.created.push({ id, dagRunId: row.id, taskId: task.taskId, mapIndex: -1, maxTries: task.retries + 1, operator: task.operator });
      return newTask(id, index, { maxTries: task.retries + 1, upstreamTotal: upstream.length });
    }
    return { ...newTask(instance.id, index, { maxTries: instance.maxTries, upstreamTotal: upstream.length }), ...pick(instance) };
  });
  const run: ActiveRun = {
    row,
    graph,
    params,
    events,
    tasks,
    unfinished: tasks.filter(({ state }) => !isFinishedTaskInstanceState(state)).length,
    occupied: tasks.filter(({ state }) => state === 'queued' || state === 'running').length,
    ready: tasks.filter(({ state }) => state === 'scheduled').map(({ index }) => index),
    isInLine: false,
    isFinishing: false,
    isPaused: false,
  };
  for (const task of tasks) {
    if (isFinishedTaskInstanceState(task.state)) countUpstream(run, task.index, task.state);
  }
  plan.touch(run);
  return run;
}

/** Decides every task of which nothing was decided yet, and the run itself: for runs that were just started or read again. */
export function advanceRun(run: ActiveRun, plan: TickPlan): void {
  for (const task of run.tasks) decideTask(run, task, plan);
  finishRunIfDone(run, plan);
}

/** queued → running: the attempt reported that it started. */
export function startTask(run: ActiveRun, task: ActiveTask, startedAt: number, plan: TickPlan): void {
  task.state = 'running';
  task.startedAt = startedAt;
  plan.touch(run);
}

/** running → the state that follows from the end of its try; then everything that follows from that. */
export function endTask(run: ActiveRun, task: ActiveTask, end: TryEnd, plan: TickPlan): void {
  run.occupied -= 1;
  task.state = end.state;
  task.maxTries = end.maxTries;
  task.losses = end.losses;
  task.retryAt = end.retryAt;
  plan.touch(run);
  if (end.state === 'up_for_retry') {
    plan.retries.push({ run, task, epoch: task.epoch, at: end.retryAt ?? 0 });
    return;
  }
  run.unfinished -= 1;
  spread(run, task.index, end.state, plan);
  finishRunIfDone(run, plan);
}

/** none | up_for_retry → scheduled: the next attempt begins. */
export function scheduleTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  plan.scheduled.push({ id: task.id, epoch: task.epoch });
  task.state = 'scheduled';
  task.epoch += 1;
  task.tryNumber += 1;
  task.retryAt = null;
  run.ready.push(task.index);
  plan.touch(run);
}

/** queued → scheduled: the attempt never started, and the process that should have started it is gone. */
export function resetTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  plan.reset.push({ id: task.id, epoch: task.epoch });
  task.state = 'scheduled';
  task.epoch += 1;
  run.occupied -= 1;
  run.ready.push(task.index);
  plan.touch(run);
}

/** scheduled → queued: a slot is free. */
export function queueTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  plan.queued.push({ run, task });
  task.state = 'queued';
  run.occupied += 1;
  plan.touch(run);
}

/** The current attempt at a task instance. */
export function attemptOf(task: ActiveTask): Attempt {
  return { taskInstanceId: task.id, epoch: task.epoch };
}

function newTask(id: string, index: number, { maxTries, upstreamTotal }: { maxTries: number; upstreamTotal: number }): ActiveTask {
  return {
    id,
    index,
    state: 'none',
    epoch: 0,
    tryNumber: 0,
    maxTries,
    losses: 0,
    retryAt: null,
    startedAt: null,
    upstream: { total: upstreamTotal, success: 0, failed: 0, skipped: 0, upstream_failed: 0, removed: 0 },
    valueJson: undefined,
  };
}

function pick({ state, epoch, tryNumber, losses, retryAt }: StoredTaskInstance) {
  return { state, epoch, tryNumber, losses, retryAt };
}

function countUpstream(run: ActiveRun, index: number, state: FinishedTaskInstanceState): readonly number[] {
  const downstream = run.graph.tasks[index]?.downstream ?? [];
  for (const place of downstream) {
    const task = run.tasks[place];
    if (task !== undefined) task.upstream[state] += 1;
  }
  return downstream;
}

/** Counts an ended task for those below it and decides them; whatever that ends is spread in turn, without recursion (a dag may be 10,000 deep). */
function spread(run: ActiveRun, from: number, state: FinishedTaskInstanceState, plan: TickPlan): void {
  const ended: { index: number; state: FinishedTaskInstanceState }[] = [{ index: from, state }];
  for (let next = ended.pop(); next !== undefined; next = ended.pop()) {
    for (const place of countUpstream(run, next.index, next.state)) {
      const task = run.tasks[place];
      const settled = task === undefined ? undefined : decideOne(run, task, plan);
      if (settled !== undefined) ended.push({ index: place, state: settled });
    }
  }
}

function decideTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  const settled = decideOne(run, task, plan);
  if (settled !== undefined) spread(run, task.index, settled, plan);
}

/** Applies the trigger rule to one undecided task. Returns the state in which it ended, where it ended without running. */
function decideOne(run: ActiveRun, task: ActiveTask, plan: TickPlan): 'success' | 'skipped' | 'upstream_failed' | undefined {
  const node = run.graph.tasks[task.index];
  if (task.state !== 'none' || node === undefined) return undefined;
  const readiness = decideReadiness(node.task.triggerRule, task.upstream);
  if (readiness === 'wait') return undefined;
  if (readiness === 'run' && !node.isEmpty) {
    scheduleTask(run, task, plan);
    return undefined;
  }
  const state = readiness === 'run' ? 'success' : readiness;
  plan.settled.push({ run, task, row: { id: task.id, epoch: task.epoch, state } });
  task.state = state;
  run.unfinished -= 1;
  plan.touch(run);
  return state;
}

function finishRunIfDone(run: ActiveRun, plan: TickPlan): void {
  if (run.unfinished > 0 || run.isFinishing) return;
  run.isFinishing = true;
  plan.finishedRuns.push({ run, state: decideRunOutcome(run.graph, (index) => run.tasks[index]?.state ?? 'none') });
  plan.touch(run);
}
