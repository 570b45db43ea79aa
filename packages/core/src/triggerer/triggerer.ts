/**
 * The triggerer: one loop that runs the code of triggers in children, many in each, stores what they fired with, and calls callbacks in other children.
 *
 * States: stopped → running (`start`) → stopping (`stop`) → stopped. A pass that fails is logged and followed by the next after a pause; nothing that it left undone is lost, because every step starts from
 * what the database says. A triggerer that falls silent loses its lease, and another one takes over what it held.
 */
import { sleep } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import { returnOrphanedCallbacks } from '../store/transitions/claim-callbacks.ts';
import { endExpiredJobs, endJob, endOtherJobs, heartbeatJob, startJob } from '../store/transitions/jobs.ts';
import { returnLostCallbacks, takeCallbacks } from './run-callbacks.ts';
import { storeFired, sweepTriggers, takeTriggers } from './run-triggers.ts';
import {
  createTriggererState,
  DEFAULT_LEASE_MS,
  DEFAULT_RECOVERY_INTERVAL_MS,
  startOver,
  type TriggererParts,
  type TriggererState,
} from './triggerer-state.ts';

export type { TriggererParts } from './triggerer-state.ts';

/** A running triggerer, as those who compose the environment see it. */
export interface Triggerer {
  /** Says that something was committed that the triggerer may wait for: triggers, callbacks, or task instances that were deferred and are not any more. */
  wake(): void;
  /** Ends the loop and every child. What waited is free for others at once. */
  stop(): Promise<void>;
}

const FIRST_BACK_OFF_MS = 50;
const LONGEST_BACK_OFF_MS = 5_000;

/**
 * Starts a triggerer. The promise is fulfilled when it holds a term; the loop then runs until `stop`.
 * @throws where the database cannot be reached
 */
export async function startTriggerer(parts: TriggererParts): Promise<Triggerer> {
  let waking = new AbortController();
  const stopping = new AbortController();
  const state = createTriggererState(parts, await beginTerm(parts), () => waking.abort());
  const loop = runLoop(state, {
    stopping: stopping.signal,
    nextWake: () => {
      waking = new AbortController();
      return waking.signal;
    },
  });
  return {
    wake: () => waking.abort(),
    async stop() {
      stopping.abort();
      await loop;
      await Promise.all([state.pool.stop(), state.callbacks.stop()]);
      await Promise.all(state.calling.values());
      await state.authorLog.flushed();
      await parts.database.batch([endJob(state.term), returnOrphanedCallbacks()]);
    },
  };
}

async function beginTerm(parts: TriggererParts): Promise<number> {
  const { database, clock, hostname, pid, leaseMs = DEFAULT_LEASE_MS } = parts;
  const [[job]] = await database.batch([startJob({ kind: 'triggerer', hostname, pid, leaseMs }, clock.now())]);
  const term = job?.term ?? 0;
  if (parts.isAlone) await database.batch([endOtherJobs('triggerer', term)]);
  return term;
}

interface LoopSignals {
  readonly stopping: AbortSignal;
  /** A signal that aborts at the next wake-up from now on. */
  readonly nextWake: () => AbortSignal;
}

async function runLoop(state: TriggererState, { stopping, nextWake }: LoopSignals): Promise<void> {
  const { clock, log } = state.parts;
  let failures = 0;
  while (!stopping.aborted) {
    // Taken before the pass, so that a wake-up while it runs is not lost.
    const waking = nextWake();
    try {
      await runPass(state);
      failures = 0;
      await sleep(clock, Math.max(0, state.nextRecoveryAt - clock.now()), AbortSignal.any([stopping, waking]));
    } catch (error) {
      failures += 1;
      log.error('a triggerer pass failed; it is tried again', { error, message: messageOf(error), failures });
      await sleep(clock, Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures), stopping);
    }
  }
}

/** One pass: the steps below, in this order. Each may throw; the next pass then starts again from what is stored. */
async function runPass(state: TriggererState): Promise<void> {
  await recover(state);
  await storeFired(state);
  await sweepTriggers(state);
  await takeTriggers(state);
  await takeCallbacks(state);
}

/** One round of recovery: renew the lease, end the silent, give back what is ours without our knowing. What they held is claimed by the steps that follow. */
async function recover(state: TriggererState): Promise<void> {
  const { database, clock, leaseMs = DEFAULT_LEASE_MS, recoveryIntervalMs = DEFAULT_RECOVERY_INTERVAL_MS } = state.parts;
  if (clock.now() < state.nextRecoveryAt) return;
  const [renewed] = await database.batch([
    heartbeatJob(state.term, leaseMs),
    endExpiredJobs('triggerer', state.term),
    returnOrphanedCallbacks(),
  ]);
  if (renewed.length === 0) {
    state.parts.log.warning('the lease was lost; what was held is left to others, and a new term begins', { term: state.term });
    await startOver(state, await beginTerm(state.parts));
  }
  await returnLostCallbacks(state);
  state.nextSweepAt = clock.now();
  state.nextRecoveryAt = clock.now() + recoveryIntervalMs;
}
