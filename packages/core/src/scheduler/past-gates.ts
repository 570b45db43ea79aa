import { selectPastVerdicts, type PastQuestion } from '../store/past-task-instances.ts';
import { decideTask, finishRunIfDone } from './decide-task.ts';
import type { ActiveRun, ActiveTask } from './run-state.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { TickPlan } from './tick-plan.ts';

/** Most task instances that are asked about in one tick. */
const MOST_QUESTIONS = 500;

/**
 * Lets task instances go on whose earlier runs have done what they wait for (`dependsOnPast`, `waitForDownstream`). Asked of the database, because another scheduler may hold the earlier
 * run: after the tick in which a task instance began to wait, after one in which a task of its dag ended, and in every round of recovery.
 */
export async function passPastGates(state: SchedulerState, plan: TickPlan): Promise<void> {
  const waiting = findWaiting(state);
  state.pastChanged.clear();
  if (waiting.length === 0) return;
  const [verdicts] = await state.parts.database.batch([selectPastVerdicts(waiting.map(({ run, task }) => questionOf(run, task)))]);
  const isMet = new Set(verdicts.filter(({ met }) => met === 1).map(({ id }) => id));
  for (const { run, task } of waiting) {
    if (!isMet.has(task.id)) continue;
    run.waitingForPast.delete(task);
    task.isPastMet = true;
    decideTask(run, task, plan);
    finishRunIfDone(run, plan);
  }
}

/** Sees to it that what has begun to wait in a tick is asked about in the next one. */
export function notePastWaiters(state: SchedulerState, { touched }: TickPlan): void {
  for (const run of touched) {
    if (run.waitingForPast.size === 0 || state.runs.get(run.row.id) !== run) continue;
    state.pastWaiters.add(run);
    state.pastChanged.add(run.row.dagId);
  }
}

/** Whether a look at earlier runs may let something go on. */
export function hasPastNews({ pastChanged, pastWaiters }: SchedulerState): boolean {
  return pastWaiters.size > 0 && [...pastWaiters].some(({ row }) => pastChanged.has(row.dagId));
}

interface Waiting {
  readonly run: ActiveRun;
  readonly task: ActiveTask;
}

function findWaiting(state: SchedulerState): Waiting[] {
  const waiting: Waiting[] = [];
  for (const run of state.pastWaiters) {
    if (state.runs.get(run.row.id) !== run) state.pastWaiters.delete(run);
    else if (state.pastChanged.has(run.row.dagId)) {
      for (const task of run.waitingForPast) {
        if (task.state !== 'none') run.waitingForPast.delete(task);
        else if (waiting.length < MOST_QUESTIONS) waiting.push({ run, task });
      }
    }
    if (run.waitingForPast.size === 0) state.pastWaiters.delete(run);
  }
  return waiting;
}

function questionOf(run: ActiveRun, { id, node }: ActiveTask): PastQuestion {
  const { task, downstream } = node.graph;
  return {
    id,
    dagRunId: run.row.id,
    taskId: task.taskId,
    onlyScheduled: run.graph.dag.catchup,
    ignoreFirst: task.ignoreFirstDependsOnPast === true,
    downstream: task.waitForDownstream === true ? downstream.flatMap((place) => run.nodes[place]?.graph.task.taskId ?? []) : [],
  };
}
