import { wakeOthers } from '../store/database.ts';
import { createTaskInstances } from '../store/transitions/create-task-instances.ts';
import { finishDagRuns } from '../store/transitions/finish-dag-runs.ts';
import { finishTaskInstances, recordTries } from '../store/transitions/finish-task-instances.ts';
import { holdDagRuns, releaseRefusedDagRuns, type ExpectedState } from '../store/transitions/hold-dag-runs.ts';
import { pushXComs } from '../store/transitions/push-xcoms.ts';
import { queueTaskInstances } from '../store/transitions/queue-task-instances.ts';
import { resetTaskInstances } from '../store/transitions/reset-task-instances.ts';
import { scheduleTaskInstances } from '../store/transitions/schedule-task-instances.ts';
import { settleTaskInstances } from '../store/transitions/settle-task-instances.ts';
import { startTaskInstances } from '../store/transitions/start-task-instances.ts';
import { attemptOf } from './active-run.ts';
import type { ActiveRun } from './run-state.ts';
import { eventStatements } from './emitted-events.ts';
import { forgetRun, lineUp, type SchedulerState } from './scheduler-state.ts';
import type { TickPlan } from './tick-plan.ts';
import type { Step, TickStatement } from './tick-statement.ts';

/**
 * Writes a tick as one transaction and brings memory in line with what was really written: runs that turned out to be somebody else's are
 * forgotten and read again, task instances of a paused dag go back to waiting.
 */
export async function commitTick(state: SchedulerState, plan: TickPlan): Promise<void> {
  const steps = statementsOf(state, plan, await eventStatements(state, plan));
  const rows: readonly (readonly unknown[])[] = await state.parts.database.batch(steps.map(({ statement }) => statement));
  const returned = new Map(steps.map(({ step }, index) => [step, rows[index] ?? []]));
  const held = heldRuns(returned);
  for (const run of plan.touched) {
    if (held.has(run.row.id)) continue;
    state.stale.add(run.row.id);
    forgetRun(state, run);
  }
  const refused = takeBackRefused(state, plan, idsOf(returned, 'queue'));
  keepOnly(plan.queued, ({ run, task }) => held.has(run.row.id) && !refused.has(task.id));
  keepOnly(plan.settled, ({ run }) => held.has(run.row.id));
  keepOnly(plan.finishedRuns, ({ run }) => held.has(run.row.id));
  for (const { run, task, epoch, at } of plan.retries) state.retries.add(at, { run, task, epoch });
  for (const { run } of plan.finishedRuns) forgetRun(state, run);
  if (plan.finishedRuns.length > 0) state.mayStartRuns = true;
  if ((returned.get('outgoing')?.length ?? 0) > 0) state.parts.onOutgoing();
  if ((returned.get('requests')?.length ?? 0) > 0) state.mayStartRuns = true;
}

/** The order matters: first the lease, then what has happened, then the check that it applied, then what follows from it. */
function statementsOf(state: SchedulerState, plan: TickPlan, events: readonly TickStatement[]): TickStatement[] {
  const { id, now } = plan;
  const runs = [...plan.touched].map(({ row }) => ({ id: row.id, revision: row.revision }));
  const queued = plan.queued.map(({ task }) => ({ id: task.id, epoch: task.epoch }));
  const finishedRuns = plan.finishedRuns.map((finished) => ({ id: finished.run.row.id, state: finished.state }));
  const finished = plan.finished.map(({ row }) => row);
  const settled = plan.settled.map(({ row }) => row);
  const expected = expectedStates(plan);
  const steps: (TickStatement | false)[] = [
    { step: 'hold', statement: holdDagRuns(id, state.term, now, runs) },
    plan.created.length > 0 && { step: 'create', statement: createTaskInstances(id, plan.created) },
    plan.started.length > 0 && { step: 'start', statement: startTaskInstances(plan.started.map(({ row }) => row)) },
    finished.length > 0 && { step: 'finish', statement: finishTaskInstances(finished) },
    finished.length > 0 && { step: 'history', statement: recordTries(finished) },
    plan.values.length > 0 && { step: 'xcom', statement: pushXComs(now, plan.values) },
    ...events,
    expected.length > 0 && { step: 'release', statement: releaseRefusedDagRuns(id, expected) },
    settled.length > 0 && { step: 'settle', statement: settleTaskInstances(id, now, settled) },
    plan.reset.length > 0 && { step: 'reset', statement: resetTaskInstances(id, plan.reset) },
    plan.scheduled.length > 0 && { step: 'schedule', statement: scheduleTaskInstances(id, now, plan.scheduled) },
    queued.length > 0 && { step: 'queue', statement: queueTaskInstances(id, now, state.parts.executor.name, queued) },
    finishedRuns.length > 0 && { step: 'finishRuns', statement: finishDagRuns(id, now, finishedRuns) },
    events.length > 0 && { step: 'wake', statement: wakeOthers },
  ];
  return steps.filter((step) => step !== false);
}

function expectedStates({ started, finished }: TickPlan): ExpectedState[] {
  const states = new Map<string, ExpectedState>();
  for (const { row } of started) states.set(row.taskInstanceId, { ...row, state: 'running' });
  for (const { row } of finished) states.set(row.taskInstanceId, row);
  return [...states.values()];
}

function keepOnly<Item>(list: Item[], isKept: (item: Item) => boolean): void {
  list.splice(0, list.length, ...list.filter(isKept));
}

function heldRuns(returned: ReadonlyMap<Step, readonly unknown[]>): Set<string> {
  const held = idsOf(returned, 'hold');
  for (const id of idsOf(returned, 'release')) held.delete(id);
  return held;
}

function idsOf(returned: ReadonlyMap<Step, readonly unknown[]>, step: Step): Set<string> {
  return new Set((returned.get(step) ?? []).map((row) => (row as { id: string }).id));
}

/** The dag was paused between the decision and the commit: its task instances stay scheduled until it is unpaused. */
function takeBackRefused(state: SchedulerState, plan: TickPlan, written: ReadonlySet<string>): Set<string> {
  const refused = new Set<string>();
  for (const { run, task } of plan.queued) {
    if (written.has(task.id) || state.runs.get(run.row.id) !== run) continue;
    refused.add(task.id);
    task.state = 'scheduled';
    run.occupied -= 1;
    run.ready.unshift(task.index);
    run.isPaused = true;
  }
  return refused;
}

/** Lets runs of dags that were paused try again. */
export function resumePausedRuns(state: SchedulerState): void {
  for (const run of state.runs.values()) {
    if (!run.isPaused) continue;
    run.isPaused = false;
    lineUp(state, run);
  }
}

/** The attempts of a run that the executor may still be working on. */
export function attemptsOf(run: ActiveRun) {
  return run.tasks.filter(({ state }) => state === 'queued' || state === 'running').map(attemptOf);
}
