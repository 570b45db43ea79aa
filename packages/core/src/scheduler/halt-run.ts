/** Runs that end before all their tasks have: the first failure of a dag that wants no second, and runs that take too long. */
import { isFinishedTaskInstanceState } from '@tradewind/protocol';
import { decideTask, finishRun, spreadEnd } from './decide-task.ts';
import { createAllPending } from './expand-scopes.ts';
import { haltTask } from './move-task.ts';
import { noteSlots, type SchedulerState } from './scheduler-state.ts';
import { isOccupying, tasksOf, type ActiveRun } from './run-state.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';

/** Most runs whose time has come in one tick. */
const MOST_RUNS = 20;

/** The first failure of a run with `failFast` stops what runs and skips the rest; teardowns still run (Airflow's `_stop_remaining_tasks`). */
export function endRunOnFailure(state: SchedulerState, { run, task: failed }: TaskOfRun, plan: TickPlan): void {
  if (run.graph.dag.failFast !== true || failed.node.graph.task.role === 'teardown') return;
  const created = createAllPending(state, run, plan);
  for (const task of Array.from(tasksOf(run))) {
    if (task === failed || task.node.graph.task.role === 'teardown' || isFinishedTaskInstanceState(task.state)) continue;
    halt(state, { run, task }, task.state === 'running' ? 'failed' : 'skipped', plan);
    spreadEnd(run, task, plan);
  }
  for (const task of created) decideTask(run, task, plan);
}

/** Fails the runs that have taken too long; what of them has not ended is skipped, as in Airflow. */
export function endDueRuns(state: SchedulerState, plan: TickPlan): void {
  for (const run of state.runTimeouts.takeDue(plan.now, MOST_RUNS)) {
    if (state.runs.get(run.row.id) !== run || run.isFinishing) continue;
    createAllPending(state, run, plan);
    for (const task of tasksOf(run)) {
      if (!isFinishedTaskInstanceState(task.state) && task.state !== 'restarting') halt(state, { run, task }, 'skipped', plan);
    }
    if (run.unfinished === 0) finishRun(run, { state: 'failed', reason: 'timed_out' }, plan);
  }
}

/** When the run must have ended; undefined where it may take as long as it wants. */
export function timeoutOf({ row, graph }: ActiveRun): number | undefined {
  const { dagrunTimeoutMs } = graph.dag;
  return dagrunTimeoutMs === undefined || row.startedAt === null ? undefined : row.startedAt + dagrunTimeoutMs;
}

function halt(state: SchedulerState, { run, task }: TaskOfRun, to: 'failed' | 'skipped', plan: TickPlan): void {
  if (isOccupying(task)) noteSlots(state, task, -1);
  haltTask(run, task, to, plan);
}
