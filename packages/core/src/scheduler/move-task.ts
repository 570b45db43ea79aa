/**
 * The moves of a task instance in memory, exactly as in `protocol/states.ts`. Each is also entered into the plan of the current tick, which writes it. Where the write is
 * refused, the run is dropped and read again, so memory never leads for long.
 */
import { isFinishedTaskInstanceState, type Attempt, type Deferral, type StartFromTrigger } from '@tradewind/protocol';
import type { TryEnd } from '../model/try-end.ts';
import { isOccupying, type ActiveRun, type ActiveTask, type ReadyList } from './run-state.ts';
import type { TickPlan } from './tick-plan.ts';

/** The current attempt at a task instance. */
export function attemptOf(task: ActiveTask): Attempt {
  return { taskInstanceId: task.id, epoch: task.epoch };
}

/** none | up_for_retry → scheduled, or deferred where the task starts from its trigger: the next try begins. */
export function scheduleTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  const start = task.node.graph.task.startFromTrigger;
  if (start === undefined) schedule(run, task, { raisesTry: 1, resumption: null }, plan);
  else startDeferred(run, task, deferralOf(start, plan.now), plan);
}

function startDeferred(run: ActiveRun, task: ActiveTask, deferral: Deferral, plan: TickPlan): void {
  plan.deferring.push({ id: task.id, epoch: task.epoch, deferral: JSON.stringify(deferral) });
  task.state = 'deferred';
  task.epoch += 1;
  task.tryNumber += 1;
  task.retryAt = null;
  task.deferral = deferral;
  task.resumption = null;
  deferTask(run, task, plan);
  plan.touch(run);
}

function deferralOf({ trigger, stateJson, timeoutMs }: StartFromTrigger, now: number): Deferral {
  return {
    trigger: trigger.kind === 'timer' ? { kind: 'timer', at: now + trigger.afterMs } : trigger,
    stateJson,
    ...(timeoutMs === undefined ? {} : { timeoutAt: now + timeoutMs }),
  };
}

/** up_for_reschedule | deferred → scheduled: the try goes on, where it was deferred with what has happened (JSON of the protocol's Resumption). */
export function resumeTask(run: ActiveRun, task: ActiveTask, resumption: string | null, plan: TickPlan): void {
  schedule(run, task, { raisesTry: 0, resumption }, plan);
}

function schedule(run: ActiveRun, task: ActiveTask, next: { raisesTry: 0 | 1; resumption: string | null }, plan: TickPlan): void {
  plan.scheduled.push({ id: task.id, epoch: task.epoch, ...next });
  task.state = 'scheduled';
  task.epoch += 1;
  task.tryNumber += next.raisesTry;
  task.retryAt = null;
  task.deferral = null;
  task.resumption = next.resumption;
  makeReady(run, task);
  plan.touch(run);
}

/** queued → scheduled: the attempt never started, and the process that should have started it is gone. */
export function resetTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  plan.reset.push({ id: task.id, epoch: task.epoch });
  task.state = 'scheduled';
  task.epoch += 1;
  leaveSlot(run, task);
  makeReady(run, task);
  plan.touch(run);
}

/** scheduled → queued: a slot is free. */
export function queueTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  plan.queued.push({ run, task });
  task.state = 'queued';
  takeSlot(run, task);
  plan.touch(run);
}

/** queued → scheduled in memory alone: the store refused to queue it. */
export function unqueueTask(run: ActiveRun, task: ActiveTask): void {
  task.state = 'scheduled';
  leaveSlot(run, task);
  readyListOf(run, task).tasks.unshift(task);
}

/** queued → running: the attempt reported that it started. */
export function startTask(run: ActiveRun, task: ActiveTask, startedAt: number, plan: TickPlan): void {
  task.state = 'running';
  task.startedAt = startedAt;
  task.firstStartedAt ??= startedAt;
  plan.touch(run);
}

/** running | deferred → the state that follows from the end of its try. Returns whether the task instance has ended. */
export function endTask(run: ActiveRun, task: ActiveTask, end: TryEnd, plan: TickPlan): boolean {
  if (task.state === 'running') leaveSlot(run, task);
  task.state = end.state;
  task.maxTries = end.maxTries;
  task.losses = end.losses;
  task.reschedules = end.reschedules;
  task.retryAt = end.retryAt;
  task.decision = end.decision;
  task.deferral = end.deferral;
  task.resumption = null;
  task.mapIndexLabel = end.mapIndexLabel ?? task.mapIndexLabel;
  plan.touch(run);
  if (end.retryAt !== null) plan.timers.push({ run, task, epoch: task.epoch, at: end.retryAt });
  if (end.deferral !== null) deferTask(run, task, plan);
  if (!isFinishedTaskInstanceState(task.state)) return false;
  run.unfinished -= 1;
  return true;
}

/** Notes what a deferred task waits for: its own timers, and whatever else somebody waits for in its place. */
function deferTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  const { deferral } = task;
  if (deferral === null) return;
  plan.deferred.push({ run, task, deferral });
  addDeferralTimers(run, task, plan);
}

/** Enters the timers of a deferred task into the plan. */
export function addDeferralTimers(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  const { trigger, timeoutAt } = task.deferral ?? {};
  if (trigger?.kind === 'timer') plan.timers.push({ run, task, epoch: task.epoch, at: trigger.at });
  if (timeoutAt !== undefined) plan.timers.push({ run, task, epoch: task.epoch, at: timeoutAt });
}

/** Any unfinished state → failed | skipped: the run does not wait for it any more. */
export function haltTask(run: ActiveRun, task: ActiveTask, state: 'failed' | 'skipped', plan: TickPlan): void {
  const message = 'the run was ended before the task had';
  plan.halted.push({
    id: task.id,
    epoch: task.epoch,
    state,
    failure: state === 'failed' ? JSON.stringify({ kind: 'stopped', message }) : null,
  });
  if (isOccupying(task)) {
    plan.cancelled.push({ attempt: attemptOf(task), reason: message });
    leaveSlot(run, task);
  }
  task.state = state;
  task.epoch += 1;
  run.unfinished -= 1;
  plan.touch(run);
}

/** restarting → none: what ran of a cleared task instance has ended. */
export function restartTask(run: ActiveRun, task: ActiveTask, plan: TickPlan): void {
  task.maxTries = task.tryNumber + task.node.graph.task.retries + 1;
  plan.restarted.push({ id: task.id, epoch: task.epoch, maxTries: task.maxTries });
  leaveSlot(run, task);
  task.state = 'none';
  task.epoch += 1;
  task.losses = 0;
  task.reschedules = 0;
  task.decision = null;
  task.firstStartedAt = null;
  task.startedAt = null;
  task.resumption = null;
  plan.touch(run);
}

/** Puts a scheduled task instance among those that want a slot. */
export function makeReady(run: ActiveRun, task: ActiveTask): void {
  readyListOf(run, task).tasks.push(task);
}

function readyListOf(run: ActiveRun, task: ActiveTask): ReadyList {
  const { task: authored, priority } = task.node.graph;
  const pool = authored.pool ?? 'default_pool';
  const key = `${priority} ${pool}`;
  const known = run.ready.get(key);
  if (known !== undefined) return known;
  const list: ReadyList = { run, pool, priority, tasks: [], isInLine: false };
  run.ready.set(key, list);
  return list;
}

function takeSlot(run: ActiveRun, task: ActiveTask): void {
  run.occupied += 1;
  task.node.occupied += 1;
}

function leaveSlot(run: ActiveRun, task: ActiveTask): void {
  run.occupied -= 1;
  task.node.occupied -= 1;
  for (const parked of task.node.parked.splice(0)) makeReady(run, parked);
}
