/**
 * The scheduler: one loop that takes what has happened, decides what follows, commits it and acts.
 *
 * States: stopped → running (`start`) → stopping (`stop`) → stopped. While running, the loop is either in a pass or waits for a report, a wake-up or
 * the next time that something is due. A pass that fails is logged and followed by the next after a pause; nothing that it left undone is lost,
 * because every step starts from what the database says.
 */
import type { AttemptReport } from '@tradewind/protocol';
import { sleep, type Clock, type Timer } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import { endJob } from '../store/transitions/jobs.ts';
import { advanceBackfills } from './advance-backfills.ts';
import { createScheduledRuns } from './create-scheduled-runs.ts';
import { expectDeadlines, nextDeadlineLook, watchDeadlines } from './deadlines.ts';
import { decideQueuedEvents } from './decide-queued-events.ts';
import { hasPastNews } from './past-gates.ts';
import { beginTerm, noticeChanges, recover, reloadStaleRuns } from './recover.ts';
import { createSchedulerState, type SchedulerParts, type SchedulerState } from './scheduler-state.ts';
import { startRuns } from './start-runs.ts';
import { beginTick, distrustTick, runTick } from './tick.ts';
import { sizeOf } from './tick-plan.ts';
import { resumeFired } from './triggers.ts';
import { createWaiter, type Waiter } from './waiter.ts';

/** What may have changed in the database: runs to create or start, or dags (schedules, pauses). */
export type WakeReason = 'runs' | 'dags';

/** A running scheduler, as those who compose the environment see it. */
export interface Scheduler {
  /** Takes the report of a worker. Never throws and never waits. */
  report(report: AttemptReport): void;
  /** Says that something was committed that the scheduler may wait for. */
  wake(reason: WakeReason): void;
  /** Ends the loop after the pass that is under way, and gives the runs back. */
  stop(): Promise<void>;
}

/**
 * How long the report of a start waits for company. Nothing follows from a start but that it can be seen, and a short task ends within that time: its start
 * and its end are then one transaction, and the next task need not wait for two.
 */
const STARTED_DELAY_MS = 10;
/**
 * How long the report of an end waits for company while many attempts are at work: a transaction costs far more than what one attempt adds to it, and nobody is kept from working
 * meanwhile.
 */
const GATHER_MS = 10;
/** With fewer at work than these, and than this share of the slots, what has ended is written at once: somebody may be about to have nothing to do. */
const FEW_ATTEMPTS = 8;
const LEFT_SHARE = 1 / 3;
const FIRST_BACK_OFF_MS = 50;
const LONGEST_BACK_OFF_MS = 5_000;

/**
 * Starts a scheduler. The promise is fulfilled when it holds a term; the loop then runs until `stop`.
 * @throws where the database cannot be reached
 */
export async function startScheduler(parts: SchedulerParts): Promise<Scheduler> {
  const state = createSchedulerState(parts, await beginTerm(parts));
  const waiter = createWaiter(parts.clock);
  const stopping = new AbortController();
  const started = delayedWake(parts.clock, waiter, STARTED_DELAY_MS);
  const gathered = delayedWake(parts.clock, waiter, GATHER_MS);
  const loop = runLoop(state, { waiter, gathered, stopping: stopping.signal });
  return {
    report(report) {
      state.reports.push(report);
      if (report.type === 'started') {
        started.arm();
        return;
      }
      state.inFlight -= 1;
      if (isBusy(state)) gathered.arm();
      else waiter.wake();
    },
    wake(reason) {
      state.mayStartRuns = true;
      state.mayHaveChanges = true;
      state.triggerWatch.mayHaveFired = true;
      if (reason === 'dags') {
        state.nextScheduledAt = parts.clock.now();
        state.nextRecoveryAt = parts.clock.now();
      }
      waiter.wake();
    },
    async stop() {
      stopping.abort();
      waiter.wake();
      await loop;
      started.disarm();
      gathered.disarm();
      await parts.database.batch([endJob(state.term)]);
    },
  };
}

/** Whether attempts end faster than one by one, and so many are left that slots can stay empty for a moment without a worker being idle. */
function isBusy({ parts, inFlight, lastEnds }: SchedulerState): boolean {
  return lastEnds > 1 && inFlight >= Math.max(FEW_ATTEMPTS, parts.executor.parallelism * LEFT_SHARE);
}

interface DelayedWake {
  arm(): void;
  disarm(): void;
}

/** Wakes the loop a little after the first of several calls. */
function delayedWake(clock: Clock, waiter: Waiter, delayMs: number): DelayedWake {
  let timer: Timer | undefined;
  return {
    arm() {
      timer ??= clock.setTimer(delayMs, () => {
        timer = undefined;
        waiter.wake();
      });
    },
    disarm() {
      timer?.cancel();
      timer = undefined;
    },
  };
}

interface Loop {
  readonly waiter: Waiter;
  readonly gathered: DelayedWake;
  readonly stopping: AbortSignal;
}

async function runLoop(state: SchedulerState, { waiter, gathered, stopping }: Loop): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    try {
      waiter.reset();
      // What was gathered is heard now. A wake-up for it in the middle of the next gathering would cost a transaction for a few.
      gathered.disarm();
      await runPass(state);
      failures = 0;
      await waiter.wait(nextDueAt(state));
      // Reports that have arrived in the same turn of the event loop are one tick.
      if (state.inFlight > 0) await sleep(state.parts.clock, 0, stopping);
    } catch (error) {
      failures += 1;
      state.parts.log.error('a scheduler pass failed; it is tried again', { error, message: messageOf(error), failures });
      const longest = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures);
      waiter.reset();
      await waiter.wait(state.parts.clock.now() + Math.round(longest * (0.5 + state.parts.random.fraction() / 2)), stopping);
    }
  }
}

/** One pass: the steps below, in this order. Each may throw; the next pass then starts again from what is stored. */
async function runPass(state: SchedulerState): Promise<void> {
  const plan = beginTick(state);
  const beganAt = state.parts.clock.monotonicMs();
  try {
    if (plan.now >= state.nextRecoveryAt) forgetNews(state);
    // Before anything is entered into the plan: a run that is forgotten after that would be in it twice.
    await noticeChanges(state);
    await recover(state, plan);
    await reloadStaleRuns(state, plan);
    await createScheduledRuns(state, plan.now);
    await advanceBackfills(state, plan.now);
    await decideQueuedEvents(state, plan.now);
    if (state.mayStartRuns) expectDeadlines(state);
    await startRuns(state, plan);
    await resumeFired(state, plan);
    await runTick(state, plan);
    const rows = sizeOf(plan);
    if (rows > 0) state.parts.observeTick?.({ rows, durationMs: state.parts.clock.monotonicMs() - beganAt });
    await watchDeadlines(state, plan.now);
  } catch (error) {
    forgetNews(state);
    distrustTick(state, plan);
    throw error;
  }
}

/** What was heard of changes, triggers and deadlines may be half the truth: they are looked at again. */
function forgetNews(state: SchedulerState): void {
  state.mayHaveChanges = true;
  state.triggerWatch.mayHaveFired = true;
  expectDeadlines(state, true);
}

/** When the loop must look again although nobody woke it: at once where a step left work. */
function nextDueAt(state: SchedulerState): number {
  const now = state.parts.clock.now();
  const hasEnds = state.reports.some(({ type }) => type === 'ended');
  if (hasEnds && !isBusy(state)) return now;
  // Where the last tick left no slot free, the steps that make work can wait for the reports that make room.
  if (hasWork(state)) return isBusy(state) && state.areSlotsTaken ? now + GATHER_MS : now;
  return Math.min(hasEnds ? now + GATHER_MS : Number.POSITIVE_INFINITY, nextMoment(state));
}

/** Whether a step of the pass before has left something for the next. */
function hasWork(state: SchedulerState): boolean {
  const { mayStartRuns, mayHaveChanges, triggerWatch, stale, growing } = state;
  return mayStartRuns || mayHaveChanges || triggerWatch.mayHaveFired || stale.size > 0 || growing.size > 0 || hasPastNews(state);
}

/** The next time at which something is due. */
function nextMoment(state: SchedulerState): number {
  return Math.min(
    state.nextRecoveryAt,
    state.nextScheduledAt ?? Number.POSITIVE_INFINITY,
    state.queues.nextDueAt ?? Number.POSITIVE_INFINITY,
    state.timers.nextAt ?? Number.POSITIVE_INFINITY,
    state.runTimeouts.nextAt ?? Number.POSITIVE_INFINITY,
    nextDeadlineLook(state),
    ...state.fullPools.values(),
  );
}
