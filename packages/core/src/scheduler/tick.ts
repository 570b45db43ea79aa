/**
 * The tick: what has happened since the last one becomes one transaction. Reports of attempts and due timers are decided in memory, everything
 * that follows is decided with them, the whole is committed, and only then are attempts handed to the executor.
 */
import type { AttemptReport } from '@tradewind/protocol';
import { announceTick } from './announce.ts';
import { commitTick } from './commit-tick.ts';
import { dispatchQueued } from './dispatch.ts';
import { createPending, expandScopes } from './expand-scopes.ts';
import { endTry, restart } from './end-try.ts';
import { endDueRuns } from './halt-run.ts';
import { attemptOf, resumeTask, scheduleTask, startTask } from './move-task.ts';
import { notePastWaiters, passPastGates } from './past-gates.ts';
import { isLatestRun } from './is-latest-run.ts';
import { DEFAULT_TICK_SIZE, distrustRun, isCurrent, type SchedulerState } from './scheduler-state.ts';
import { fillSlots, lineUp } from './slots.ts';
import { createTickPlan, sizeOf, type TaskOfRun, type TickPlan } from './tick-plan.ts';

/** Begins a tick that other steps may add to before `runTick`. */
export function beginTick(state: SchedulerState): TickPlan {
  state.tickNumber += 1;
  const now = state.parts.clock.now();
  return createTickPlan(`${state.term}.${state.tickNumber}`, now, (run) => isLatestRun(run, now));
}

/** Decides, commits and dispatches. Does nothing where nothing has happened. */
export async function runTick(state: SchedulerState, plan: TickPlan): Promise<void> {
  await passPastGates(state, plan);
  takeReports(state, plan);
  takeDueTimers(state, plan);
  endDueRuns(state, plan);
  createPending(state, plan);
  await expandScopes(state, plan);
  for (const run of plan.touched) lineUp(state, run);
  fillSlots(state, plan);
  if (plan.touched.size === 0) return;
  await commitTick(state, plan);
  notePastWaiters(state, plan);
  for (const { attempt, reason } of plan.cancelled) state.parts.executor.cancel(attempt, reason);
  await dispatchQueued(state, plan);
  announceTick(state, plan);
}

/**
 * After a tick that failed, perhaps in the middle of its commit: whatever it decided in memory may or may not have been written, so its runs are read
 * again, and its reports are heard again. A report that had been written is then found to be answered.
 */
export function distrustTick(state: SchedulerState, plan: TickPlan): void {
  for (const run of plan.touched) distrustRun(state, run);
  state.reports.unshift(...plan.reports);
}

function takeReports(state: SchedulerState, plan: TickPlan): void {
  const { parts, reports } = state;
  const most = parts.tickSize ?? DEFAULT_TICK_SIZE;
  let read = 0;
  let ends = 0;
  for (const report of reports) {
    if (sizeOf(plan) >= most) break;
    read += 1;
    const target = state.byTaskInstance.get(report.attempt.taskInstanceId);
    if (target === undefined || !isCurrent(target, report.attempt)) {
      refuse(state, report);
      continue;
    }
    plan.reports.push(report);
    if (report.type === 'ended') ends += 1;
    applyReport(state, plan, { target, report });
  }
  reports.splice(0, read);
  if (ends > 0) state.lastEnds = ends;
}

/** A report of an attempt that was given up, or of a run that another scheduler holds now. */
function refuse({ parts }: SchedulerState, report: AttemptReport): void {
  parts.log.info('a report of a replaced attempt was refused', { ...report.attempt, report: report.type });
  if (report.type === 'started') parts.executor.cancel(report.attempt, 'the attempt was replaced');
}

function applyReport(state: SchedulerState, plan: TickPlan, { target, report }: { target: TaskOfRun; report: AttemptReport }): void {
  const { run, task } = target;
  if (task.state === 'restarting') {
    if (report.type === 'ended') restart(state, { run, task }, plan);
    return;
  }
  if (task.state === 'queued') {
    const { hostname, pid } = report.type === 'started' ? report : { hostname: state.parts.hostname, pid: 0 };
    const startedAt = Math.round(report.at);
    plan.started.push({ run, task, row: { ...attemptOf(task), startedAt, hostname, pid } });
    startTask(run, task, startedAt, plan);
  }
  if (report.type === 'started' || task.state !== 'running') return;
  endTry(state, target, { outcome: report.outcome, endedAt: Math.round(report.at), from: 'running' }, plan);
}

function takeDueTimers(state: SchedulerState, plan: TickPlan): void {
  const most = (state.parts.tickSize ?? DEFAULT_TICK_SIZE) - sizeOf(plan);
  if (most <= 0) return;
  for (const { run, task, epoch } of state.timers.takeDue(plan.now, most)) {
    if (state.runs.get(run.row.id) !== run || task.epoch !== epoch) continue;
    // A deferral that took too long leaves the timer of what it waited for behind, at the same epoch.
    if (task.retryAt !== null && task.retryAt > plan.now) continue;
    if (task.state === 'up_for_retry') scheduleTask(run, task, plan);
    else if (task.state === 'up_for_reschedule') resumeTask(run, task, null, plan);
    else if (task.state === 'deferred') endWait(state, { run, task }, plan);
  }
}

/** The moment that a deferred task waited for has come, or it has waited for too long. */
function endWait(state: SchedulerState, { run, task }: TaskOfRun, plan: TickPlan): void {
  const { trigger, timeoutAt, stateJson = 'null' } = task.deferral ?? {};
  if (trigger?.kind === 'timer' && trigger.at <= plan.now) {
    const json = JSON.stringify({ at: new Date(trigger.at).toISOString() });
    resumeTask(run, task, JSON.stringify({ stateJson, event: { ok: true, json } }), plan);
  } else if (timeoutAt !== undefined && timeoutAt <= plan.now) {
    const failure = { kind: 'timeout', message: 'what the task was deferred for did not happen in time' } as const;
    endTry(state, { run, task }, { outcome: { result: 'failed', failure }, endedAt: plan.now, from: 'deferred' }, plan);
  }
}
