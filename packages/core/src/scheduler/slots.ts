/**
 * Who gets a free slot: the highest priority first, over all runs; within a priority the runs in turn, one task instance each, so that a wide run does not keep a
 * narrow one waiting; within a run in the order in which they became ready. A pool that is full holds up nobody who wants another one.
 */
import { makeReady, queueTask } from './move-task.ts';
import type { ActiveRun, ActiveTask, ReadyList } from './run-state.ts';
import { DEFAULT_TICK_SIZE, noteSlots, type SchedulerState } from './scheduler-state.ts';
import type { TickPlan } from './tick-plan.ts';

/** How long a pool that turned out to be full is left alone, unless a slot of it becomes free here. */
export const FULL_POOL_PAUSE_MS = 500;

/** Puts what is ready of a run into the line. */
export function lineUp(state: SchedulerState, run: ActiveRun): void {
  if (run.isPaused || run.isFinishing || run.occupied >= run.graph.dag.maxActiveTasks) return;
  for (const list of run.ready.values()) {
    if (list.isInLine) continue;
    if (list.tasks.length === 0) run.ready.delete(`${list.priority} ${list.pool}`);
    else state.line.add(list);
  }
}

/** Gives free slots to those in line. A list leaves the line when it is empty or its run has reached its own limit; the end of one of the run's tasks puts it back. */
export function fillSlots(state: SchedulerState, plan: TickPlan): void {
  const { line, parts } = state;
  const free = parts.executor.parallelism - state.inFlight;
  const most = Math.min(free, parts.tickSize ?? DEFAULT_TICK_SIZE);
  const full = new Set<string>();
  for (const [pool, until] of state.fullPools) if (until <= plan.now) state.fullPools.delete(pool);
  while (plan.queued.length < most) {
    const list = line.take(({ pool }) => !full.has(pool) && !state.fullPools.has(pool));
    if (list === undefined) break;
    const { run } = list;
    if (state.runs.get(run.row.id) !== run || run.isPaused || run.occupied >= run.graph.dag.maxActiveTasks) continue;
    const task = nextOf(list);
    if (task !== undefined) placeTask(state, { list, task, full }, plan);
    if (list.tasks.length > 0) line.add(list);
  }
  state.areSlotsTaken = plan.queued.length >= free;
}

/** Lets task instances try again that wanted more slots than their pool had. */
export function retryOversized(state: SchedulerState): void {
  for (const { run, task } of state.oversized.splice(0)) {
    if (state.runs.get(run.row.id) !== run || task.state !== 'scheduled') continue;
    makeReady(run, task);
    lineUp(state, run);
  }
}

function placeTask(
  state: SchedulerState,
  { list, task, full }: { list: ReadyList; task: ActiveTask; full: Set<string> },
  plan: TickPlan,
): void {
  const { run, pool } = list;
  const slots = state.pools.get(pool) ?? 0;
  const wanted = slotsOf(task);
  const isUnknown = !state.pools.has(pool);
  if (state.arePoolsKnown && (isUnknown || (slots >= 0 && wanted > slots))) {
    const problem = isUnknown ? 'there is no such pool' : `it has ${slots} slots, and the task wants ${wanted}`;
    state.parts.log.warning('a task instance cannot have a slot', {
      dagId: run.row.dagId,
      taskId: task.node.graph.task.taskId,
      pool,
      problem,
    });
    state.oversized.push({ run, task });
  } else if (!state.arePoolsKnown || slots < 0 || (state.slotsTaken.get(pool) ?? 0) + wanted <= slots) {
    queueTask(run, task, plan);
    noteSlots(state, task, 1);
  } else {
    list.tasks.unshift(task);
    full.add(pool);
  }
}

function slotsOf({ node }: ActiveTask): number {
  return node.graph.task.poolSlots ?? 1;
}

/** The next task instance of the list that its own limit lets go; those that it holds back are parked until one of their task ends. */
function nextOf(list: ReadyList): ActiveTask | undefined {
  for (let task = list.tasks.shift(); task !== undefined; task = list.tasks.shift()) {
    const limit = task.node.graph.task.maxActiveTisPerDagrun;
    if (task.state !== 'scheduled') continue;
    if (limit === undefined || task.node.occupied < limit) return task;
    task.node.parked.push(task);
  }
  return undefined;
}
