/**
 * The tick: what has happened since the last one becomes one transaction. Reports of attempts and due retries are decided in memory, everything
 * that follows is decided with them, the whole is committed, and only then are attempts handed to the executor.
 */
import type { AttemptReport } from '@tradewind/protocol';
import { decideTryEnd } from '../model/try-end.ts';
import { attemptOf, endTask, MAX_REMEMBERED_VALUE_LENGTH, queueTask, scheduleTask, startTask } from './active-run.ts';
import type { ActiveRun } from './run-state.ts';
import { announceTick } from './announce.ts';
import { commitTick } from './commit-tick.ts';
import { dispatchQueued } from './dispatch.ts';
import { DEFAULT_TICK_SIZE, forgetRun, isCurrent, lineUp, type SchedulerState } from './scheduler-state.ts';
import { createTickPlan, sizeOf, type TaskOfRun, type TickPlan } from './tick-plan.ts';

/** Begins a tick that other steps may add to before `runTick`. */
export function beginTick(state: SchedulerState): TickPlan {
  state.tickNumber += 1;
  return createTickPlan(`${state.term}.${state.tickNumber}`, state.parts.clock.now());
}

/** Decides, commits and dispatches. Does nothing where nothing has happened. */
export async function runTick(state: SchedulerState, plan: TickPlan): Promise<void> {
  takeReports(state, plan);
  takeDueRetries(state, plan);
  for (const run of plan.touched) lineUp(state, run);
  fillSlots(state, plan);
  if (plan.touched.size === 0) return;
  await commitTick(state, plan);
  await dispatchQueued(state, plan);
  announceTick(state, plan);
}

/**
 * After a tick that failed, perhaps in the middle of its commit: whatever it decided in memory may or may not have been written, so its runs are read
 * again, and its reports are heard again. A report that had been written is then found to be answered.
 */
export function distrustTick(state: SchedulerState, plan: TickPlan): void {
  for (const run of plan.touched) {
    state.stale.add(run.row.id);
    forgetRun(state, run);
  }
  state.reports.unshift(...plan.reports);
}

function takeReports(state: SchedulerState, plan: TickPlan): void {
  const { parts, reports } = state;
  const most = parts.tickSize ?? DEFAULT_TICK_SIZE;
  let read = 0;
  for (const report of reports) {
    if (sizeOf(plan) >= most) break;
    read += 1;
    const target = state.byTaskInstance.get(report.attempt.taskInstanceId);
    if (target === undefined || !isCurrent(target, report.attempt)) {
      refuse(state, report);
      continue;
    }
    plan.reports.push(report);
    applyReport(state, plan, { target, report });
  }
  reports.splice(0, read);
}

/** A report of an attempt that was given up, or of a run that another scheduler holds now. */
function refuse({ parts }: SchedulerState, report: AttemptReport): void {
  parts.log.info('a report of a replaced attempt was refused', { ...report.attempt, report: report.type });
  if (report.type === 'started') parts.executor.cancel(report.attempt, 'the attempt was replaced');
}

function applyReport(state: SchedulerState, plan: TickPlan, { target, report }: { target: TaskOfRun; report: AttemptReport }): void {
  const { run, task } = target;
  if (task.state === 'queued') {
    const { hostname, pid } = report.type === 'started' ? report : { hostname: state.parts.hostname, pid: 0 };
    const startedAt = Math.round(report.at);
    plan.started.push({ run, task, row: { ...attemptOf(task), startedAt, hostname, pid } });
    startTask(run, task, startedAt, plan);
  }
  if (report.type === 'started' || task.state !== 'running') return;

  const { outcome } = report;
  const endedAt = Math.round(report.at);
  const node = run.graph.tasks[task.index];
  const end = decideTryEnd({ ...task, retryDelayMs: node?.task.retryDelayMs ?? 0 }, outcome, endedAt);
  plan.finished.push({
    run,
    task,
    row: { ...attemptOf(task), ...end, endedAt, failure: end.failure === null ? null : JSON.stringify(end.failure) },
  });
  if (outcome.result === 'success') {
    plan.values.push({ ...attemptOf(task), value: outcome.valueJson });
    if (outcome.valueJson.length <= MAX_REMEMBERED_VALUE_LENGTH) task.valueJson = outcome.valueJson;
    if (outcome.events.length > 0) plan.emitted.push({ run, task, events: outcome.events });
  }
  endTask(run, task, end, plan);
}

function takeDueRetries(state: SchedulerState, plan: TickPlan): void {
  const most = (state.parts.tickSize ?? DEFAULT_TICK_SIZE) - sizeOf(plan);
  if (most <= 0) return;
  for (const { run, task, epoch } of state.retries.takeDue(plan.now, most)) {
    const isStillDue = state.runs.get(run.row.id) === run && task.state === 'up_for_retry' && task.epoch === epoch;
    if (isStillDue) scheduleTask(run, task, plan);
  }
}

/**
 * Gives free slots to the runs in line, one each in turn, so that a wide run does not keep a narrow one waiting. A run leaves the line when it has
 * nothing to queue or has reached its own limit; the end of one of its tasks puts it back.
 */
function fillSlots(state: SchedulerState, plan: TickPlan): void {
  const { line, parts } = state;
  const most = Math.min(parts.executor.parallelism - state.inFlight, parts.tickSize ?? DEFAULT_TICK_SIZE);
  while (plan.queued.length < most) {
    const run = line.shift();
    if (run === undefined) return;
    if (state.runs.get(run.row.id) === run && queueNext(run, plan)) line.push(run);
    else run.isInLine = false;
  }
}

function queueNext(run: ActiveRun, plan: TickPlan): boolean {
  if (run.isPaused || run.occupied >= run.graph.dag.maxActiveTasks) return false;
  const task = run.tasks[run.ready.shift() ?? -1];
  if (task === undefined) return false;
  queueTask(run, task, plan);
  return true;
}
