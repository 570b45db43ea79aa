/**
 * The scheduler: one loop that takes what has happened, decides what follows, commits it and acts.
 *
 * States: stopped → running (`start`) → stopping (`stop`) → stopped. While running, the loop is either in a pass or waits for a report, a wake-up or
 * the next time that something is due. A pass that fails is logged and followed by the next after a pause; nothing that it left undone is lost,
 * because every step starts from what the database says.
 */
import type { AttemptReport } from '@tradewind/protocol';
import { messageOf } from '../platform/errors.ts';
import { endJob } from '../store/transitions/jobs.ts';
import { createScheduledRuns } from './create-scheduled-runs.ts';
import { beginTerm, recover, reloadStaleRuns } from './recover.ts';
import { createSchedulerState, type SchedulerParts, type SchedulerState } from './scheduler-state.ts';
import { startRuns } from './start-runs.ts';
import { beginTick, distrustTick, runTick } from './tick.ts';
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
  const loop = runLoop(state, waiter, stopping.signal);
  return {
    report(report) {
      if (report.type === 'ended') state.inFlight -= 1;
      state.reports.push(report);
      waiter.wake();
    },
    wake(reason) {
      state.mayStartRuns = true;
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
      await parts.database.batch([endJob(state.term)]);
    },
  };
}

async function runLoop(state: SchedulerState, waiter: Waiter, stopping: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    try {
      waiter.reset();
      await runPass(state);
      failures = 0;
      await waiter.wait(nextDueAt(state));
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
  try {
    await recover(state, plan);
    await reloadStaleRuns(state, plan);
    await createScheduledRuns(state, plan.now);
    await startRuns(state, plan);
    await runTick(state, plan);
  } catch (error) {
    distrustTick(state, plan);
    throw error;
  }
}

/** When the loop must look again although nobody woke it: at once where a step left work. */
function nextDueAt(state: SchedulerState): number {
  if (state.reports.length > 0 || state.mayStartRuns || state.stale.size > 0) return state.parts.clock.now();
  return Math.min(
    state.nextRecoveryAt,
    state.nextScheduledAt ?? Number.POSITIVE_INFINITY,
    state.retries.nextAt ?? Number.POSITIVE_INFINITY,
  );
}
