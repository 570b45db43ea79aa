import { wakeOthers } from '../store/database.ts';
import { createTaskInstances } from '../store/transitions/create-task-instances.ts';
import { deferTaskInstances } from '../store/transitions/defer-task-instances.ts';
import { deleteEarlierValues, type BegunTaskInstance } from '../store/transitions/delete-earlier-values.ts';
import { indexTaskInstances, recordExpandedScopes } from '../store/transitions/expand-mapped-scopes.ts';
import { finishDagRuns, pauseFailingDags } from '../store/transitions/finish-dag-runs.ts';
import { finishTaskInstances, type FinishedAttempt } from '../store/transitions/finish-task-instances.ts';
import { haltTaskInstances } from '../store/transitions/halt-task-instances.ts';
import { holdDagRuns, releaseRefusedDagRuns, type ExpectedState } from '../store/transitions/hold-dag-runs.ts';
import { pushXComs } from '../store/transitions/push-xcoms.ts';
import {
  lockLimitedDags,
  lockPools,
  queueTaskInstances,
  scheduleAndQueueTaskInstances,
  selectQueueRefusals,
  type BeginningTaskInstance,
  type QueueableTaskInstance,
} from '../store/transitions/queue-task-instances.ts';
import { recordRestartedTries, recordRetriedTries } from '../store/transitions/record-tries.ts';
import { resetTaskInstances } from '../store/transitions/reset-task-instances.ts';
import { restartTaskInstances } from '../store/transitions/restart-task-instances.ts';
import { scheduleTaskInstances, type ScheduledTaskInstance } from '../store/transitions/schedule-task-instances.ts';
import { settleTaskInstances } from '../store/transitions/settle-task-instances.ts';
import { startTaskInstances, type StartedAttempt } from '../store/transitions/start-task-instances.ts';
import { dagCallbackStatements, taskCallbackStatements } from './callbacks.ts';
import { deadlineStatements } from './deadlines.ts';
import { eventStatements, warnOfUnrecordedEvents } from './emitted-events.ts';
import { keepLargeValues } from './keep-large-values.ts';
import { unqueueTask } from './move-task.ts';
import { distrustRun, forgetRun, noteSlots, type SchedulerState } from './scheduler-state.ts';
import { FULL_POOL_PAUSE_MS, lineUp } from './slots.ts';
import type { TaskOfRun, TickPlan } from './tick-plan.ts';
import type { Step, TickStatement } from './tick-statement.ts';
import { noteTriggers, triggerStatements } from './triggers.ts';

/**
 * Writes a tick as one transaction and brings memory in line with what was really written: runs that turned out to be somebody else's are
 * forgotten and read again, task instances that got no slot go back to waiting.
 */
export async function commitTick(state: SchedulerState, plan: TickPlan): Promise<void> {
  await keepLargeValues(state, plan);
  const steps = statementsOf(state, plan, await eventStatements(state, plan));
  const rows: readonly (readonly unknown[])[] = await state.parts.database.batch(steps.map(({ statement }) => statement));
  const returned = new Map(steps.map(({ step }, index) => [step, rows[index] ?? []]));
  warnOfUnrecordedEvents(state, plan, returned.get('events') ?? []);
  const held = heldRuns(returned);
  for (const run of plan.touched) if (!held.has(run.row.id)) distrustRun(state, run);
  const queued = queuedIds(returned);
  const refused = plan.queued.filter(({ run, task }) => !queued.has(task.id) && state.runs.get(run.row.id) === run);
  await takeBackRefused(state, plan, refused);
  keepOnly(plan.queued, ({ run, task }) => held.has(run.row.id) && queued.has(task.id));
  keepOnly(plan.settled, ({ run }) => held.has(run.row.id));
  keepOnly(plan.finishedRuns, ({ run }) => held.has(run.row.id));
  for (const { at, ...timer } of plan.timers) state.timers.add(at, timer);
  for (const { run } of plan.finishedRuns) {
    forgetRun(state, run);
    state.pastChanged.add(run.row.dagId);
  }
  // Of several schedulers whoever has the time starts what waited for the end of these: the commit has woken them all, this one too.
  if (plan.finishedRuns.length > 0 && state.parts.isAlone) state.mayStartRuns = true;
  noteTriggers(state, plan);
  tellOthers(state, returned);
}

/** Wakes whoever has something to do now: the relay, the triggerer, the step that creates runs. */
function tellOthers(state: SchedulerState, returned: ReadonlyMap<Step, readonly unknown[]>): void {
  const hasRows = (...steps: readonly Step[]): boolean => steps.some((step) => (returned.get(step)?.length ?? 0) > 0);
  if (hasRows('triggers', 'taskCallbacks', 'dagCallbacks')) state.parts.onWaiting?.();
  if (hasRows('outgoing')) state.parts.onOutgoing();
  if (hasRows('requests', 'queued')) state.mayStartRuns = true;
}

/** The order matters: first the lease, then what has happened, then the check that it applied, then what follows from it. */
function statementsOf(state: SchedulerState, plan: TickPlan, events: readonly TickStatement[]): TickStatement[] {
  const { id, now } = plan;
  const runs = [...plan.touched].map(({ row }) => ({ id: row.id, revision: row.revision }));
  const { started, finished } = startsAndEnds(plan);
  const asked = started.length + finished.length + plan.reset.length;
  const { scheduled, queued, beginning } = schedulesAndQueues(plan);
  const again = tryingAgain(plan);
  const told = taskCallbackStatements(plan);
  const waiting = triggerStatements(plan);
  const ended = [...dagCallbackStatements(plan), ...deadlineStatements(plan)];
  return [
    { step: 'hold', statement: holdDagRuns(id, state.term, now, runs) },
    ...unlessEmpty(started, (rows) => [{ step: 'start', statement: startTaskInstances(rows) }]),
    ...unlessEmpty(finished, (rows) => [{ step: 'finish', statement: finishTaskInstances(rows) }]),
    ...unlessEmpty(plan.values, (rows) => [{ step: 'xcom', statement: pushXComs(now, rows) }]),
    ...events,
    ...unlessEmpty(plan.reset, (rows) => [{ step: 'reset', statement: resetTaskInstances(id, rows) }]),
    ...unlessEmpty(expectedStates(plan), (rows) => [{ step: 'release', statement: releaseRefusedDagRuns(id, rows, asked) }]),
    ...unlessEmpty(plan.restarted, (rows) => [
      { step: 'restartHistory', statement: recordRestartedTries(id, now, rows) },
      { step: 'restart', statement: restartTaskInstances(id, rows) },
    ]),
    ...unlessEmpty(plan.expanded, (rows) => [{ step: 'expand', statement: recordExpandedScopes(id, rows) }]),
    ...unlessEmpty(plan.created, (rows) => [{ step: 'create', statement: createTaskInstances(id, rows) }]),
    // After the rows are there: what runs over a literal list is created and expanded in the same tick.
    ...unlessEmpty(plan.indexed, (rows) => [{ step: 'index', statement: indexTaskInstances(id, rows) }]),
    ...unlessEmpty(
      plan.settled.map(({ row }) => row),
      (rows) => [{ step: 'settle', statement: settleTaskInstances(id, now, rows) }],
    ),
    ...told,
    ...unlessEmpty(again, (rows) => [{ step: 'history', statement: recordRetriedTries(id, rows) }]),
    ...unlessEmpty(scheduled, (rows) => [{ step: 'schedule', statement: scheduleTaskInstances(id, now, rows) }]),
    ...unlessEmpty(plan.deferring, (rows) => [{ step: 'defer', statement: deferTaskInstances(id, now, rows) }]),
    ...unlessEmpty(plan.halted, (rows) => [{ step: 'halt', statement: haltTaskInstances(id, now, rows) }]),
    ...waiting,
    ...queueStatements(state, plan, { queued, beginning }),
    ...unlessEmpty(again, (rows) => [{ step: 'forget', statement: deleteEarlierValues(id, rows) }]),
    ...finishRunStatements(plan),
    ...ended,
    ...unlessEmpty([...events, ...told, ...waiting, ...ended, ...roomForOthers(state, plan)], () => [
      { step: 'wake', statement: wakeOthers },
    ]),
  ];
}

/** A short attempt starts and ends within a tick: its row is then written once. */
function startsAndEnds(plan: TickPlan): { readonly started: readonly StartedAttempt[]; readonly finished: readonly FinishedAttempt[] } {
  const starts = new Map(plan.started.map(({ row }) => [row.taskInstanceId, row]));
  const finished = plan.finished.map(({ row }): FinishedAttempt => {
    const started = starts.get(row.taskInstanceId);
    if (started?.epoch !== row.epoch) return row;
    starts.delete(row.taskInstanceId);
    return { ...row, from: 'queued', started };
  });
  return { started: [...starts.values()], finished };
}

interface Queueing {
  readonly queued: readonly QueueableTaskInstance[];
  readonly beginning: readonly BeginningTaskInstance[];
}

/** What becomes ready while slots are free is scheduled and queued within a tick: its row is then written once, unless it was deferred and may keep slots until it is scheduled. */
function schedulesAndQueues(plan: TickPlan): Queueing & { readonly scheduled: readonly ScheduledTaskInstance[] } {
  const schedules = new Map(plan.scheduled.map((row) => [row.id, row]));
  const queued: QueueableTaskInstance[] = [];
  const beginning: BeginningTaskInstance[] = [];
  for (const one of plan.queued.map(queueable)) {
    const row = schedules.get(one.id);
    if (row === undefined || row.resumption !== null) {
      queued.push(one);
      continue;
    }
    beginning.push({ ...one, ...row });
    schedules.delete(one.id);
  }
  return { scheduled: [...schedules.values()], queued, beginning };
}

/** Task instances of which a new try begins that is not the first of all: at epoch 0 nothing has run yet. */
function tryingAgain({ scheduled, deferring }: TickPlan): readonly BegunTaskInstance[] {
  return [...scheduled.filter(({ raisesTry }) => raisesTry === 1), ...deferring].filter(({ epoch }) => epoch > 0);
}

function roomForOthers({ parts }: SchedulerState, { finishedRuns }: TickPlan): readonly unknown[] {
  return parts.isAlone ? [] : finishedRuns;
}

function unlessEmpty<Row>(rows: readonly Row[], statements: (rows: readonly Row[]) => readonly TickStatement[]): readonly TickStatement[] {
  return rows.length === 0 ? [] : statements(rows);
}

function queueStatements(state: SchedulerState, plan: TickPlan, { queued, beginning }: Queueing): TickStatement[] {
  if (plan.queued.length === 0) return [];
  const pools = new Set(plan.queued.map(({ task }) => task.node.graph.task.pool ?? 'default_pool'));
  const limited = new Set(plan.queued.filter(({ task }) => maxPerDagOf({ task }) !== null).map(({ run }) => run.row.dagId));
  const { name } = state.parts.executor;
  return [
    ...(state.parts.isAlone ? [] : [{ step: 'lockPools', statement: lockPools([...pools].toSorted()) } as const]),
    ...(limited.size > 0 && !state.parts.isAlone
      ? [{ step: 'lockDags', statement: lockLimitedDags([...limited].toSorted()) } as const]
      : []),
    ...unlessEmpty(queued, (rows) => [{ step: 'queue', statement: queueTaskInstances(plan.id, plan.now, name, rows) }]),
    ...unlessEmpty(beginning, (rows) => [{ step: 'begin', statement: scheduleAndQueueTaskInstances(plan.id, plan.now, name, rows) }]),
  ];
}

function finishRunStatements({ id, now, finishedRuns }: TickPlan): TickStatement[] {
  if (finishedRuns.length === 0) return [];
  const rows = finishedRuns.map(({ run, state, reason }) => ({
    id: run.row.id,
    state,
    reason,
    pauseAfter: run.graph.dag.maxConsecutiveFailedDagRuns ?? 0,
  }));
  const isPausing = rows.some(({ state, pauseAfter }) => state === 'failed' && pauseAfter > 0);
  return [
    { step: 'finishRuns', statement: finishDagRuns(id, now, rows) },
    ...(isPausing ? [{ step: 'pause', statement: pauseFailingDags(rows) } as const] : []),
  ];
}

function queueable({ run, task }: TaskOfRun): QueueableTaskInstance {
  const { taskId, pool = 'default_pool', poolSlots = 1 } = task.node.graph.task;
  return { id: task.id, epoch: task.epoch, dagId: run.row.dagId, taskId, pool, poolSlots, maxPerDag: maxPerDagOf({ task }) };
}

function maxPerDagOf({ task }: { task: TaskOfRun['task'] }): number | null {
  return task.node.graph.task.maxActiveTisPerDag ?? null;
}

/** What a report, or taking an attempt back, must have left: whoever was first with another report has decided otherwise. */
function expectedStates({ started, finished, reset }: TickPlan): ExpectedState[] {
  const states = new Map<string, ExpectedState>();
  for (const { row } of started) states.set(row.taskInstanceId, { ...row, state: 'running' });
  for (const { row } of finished) states.set(row.taskInstanceId, row);
  for (const { id, epoch } of reset) states.set(id, { taskInstanceId: id, epoch: epoch + 1, state: 'scheduled' });
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

function queuedIds(returned: ReadonlyMap<Step, readonly unknown[]>): Set<string> {
  const queued = idsOf(returned, 'queue');
  for (const { id, state } of (returned.get('begin') ?? []) as readonly { readonly id: string; readonly state: string }[])
    if (state === 'queued') queued.add(id);
  return queued;
}

function idsOf(returned: ReadonlyMap<Step, readonly unknown[]>, step: Step): Set<string> {
  return new Set((returned.get(step) ?? []).map((row) => (row as { id: string }).id));
}

/** The dag is paused, or somebody else has the slots: such task instances stay scheduled, and are tried again when that may have changed. */
async function takeBackRefused(state: SchedulerState, plan: TickPlan, refused: readonly TaskOfRun[]): Promise<void> {
  if (refused.length === 0) return;
  const [rows] = await state.parts.database.batch([selectQueueRefusals(refused.map(queueable))]);
  const reasons = new Map(rows.map(({ id, reason }) => [id, reason]));
  // One that is not scheduled at that epoch any more was not known well: its run is read again.
  for (const { run, task } of refused) if (!reasons.has(task.id)) distrustRun(state, run);
  const known = refused.filter(({ run }) => state.runs.get(run.row.id) === run);
  for (const { run, task } of known.toReversed()) {
    unqueueTask(run, task);
    noteSlots(state, task, -1);
    if (reasons.get(task.id) === 'paused') run.isPaused = true;
  }
  for (const { run, task } of known) {
    const reason = reasons.get(task.id);
    if (reason !== 'paused') state.fullPools.set(task.node.graph.task.pool ?? 'default_pool', plan.now + FULL_POOL_PAUSE_MS);
    lineUp(state, run);
  }
}

/** Lets runs of dags that were paused try again. */
export function resumePausedRuns(state: SchedulerState): void {
  for (const run of state.runs.values()) {
    if (!run.isPaused) continue;
    run.isPaused = false;
    lineUp(state, run);
  }
}
