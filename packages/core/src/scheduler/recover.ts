import { selectHeldDagRuns, selectUnknownDagRuns } from '../store/active-runs.ts';
import { endExpiredJobs, endOtherJobs, heartbeatJob, startJob } from '../store/transitions/jobs.ts';
import { adoptDagRuns } from '../store/transitions/start-dag-runs.ts';
import { attemptsOf, resumePausedRuns } from './commit-tick.ts';
import { DEFAULT_LEASE_MS, DEFAULT_RECOVERY_INTERVAL_MS, forgetRun, type SchedulerParts, type SchedulerState } from './scheduler-state.ts';
import { recoverRun, takeRuns } from './take-runs.ts';
import type { TickPlan } from './tick-plan.ts';

/** Most runs that are adopted in one round. */
const MOST_ADOPTED = 200;

/** Begins a term: from here on this scheduler may hold runs. */
export async function beginTerm(parts: SchedulerParts): Promise<number> {
  const { database, clock, hostname, pid, leaseMs = DEFAULT_LEASE_MS } = parts;
  const [[job]] = await database.batch([startJob({ kind: 'scheduler', hostname, pid, leaseMs }, clock.now())]);
  const term = job?.term ?? 0;
  if (parts.isAlone) await database.batch([endOtherJobs('scheduler', term)]);
  return term;
}

/**
 * One round of recovery, driven by what is there and not by what happened (a round that fails is simply followed by the next): renew the lease, adopt the runs
 * of schedulers that are gone and those that were taken without our hearing of it, take back attempts that nobody works on, let resumed dags go on, look for runs to start.
 */
export async function recover(state: SchedulerState, plan: TickPlan): Promise<void> {
  if (plan.now < state.nextRecoveryAt) return;
  const { parts } = state;
  const [renewed, , adopted, unknown] = await parts.database.batch([
    heartbeatJob(state.term, parts.leaseMs ?? DEFAULT_LEASE_MS),
    endExpiredJobs('scheduler', state.term),
    adoptDagRuns(state.term, MOST_ADOPTED),
    selectUnknownDagRuns(state.term, [...state.runs.keys()]),
  ]);
  if (renewed.length === 0) {
    await renewTerm(state);
    return;
  }
  for (const run of state.runs.values()) recoverRun(state, run, plan);
  await takeRuns(state, unknown, plan);
  resumePausedRuns(state);
  state.mayStartRuns = true;
  state.nextRecoveryAt = adopted.length < MOST_ADOPTED ? plan.now + (parts.recoveryIntervalMs ?? DEFAULT_RECOVERY_INTERVAL_MS) : plan.now;
}

/** Reads again the runs whose memory is doubtful. Those that are no longer ours are left alone, and what runs of them is stopped. */
export async function reloadStaleRuns(state: SchedulerState, plan: TickPlan): Promise<void> {
  if (state.stale.size === 0) return;
  const ids = [...state.stale];
  const [held] = await state.parts.database.batch([selectHeldDagRuns(state.term, ids)]);
  for (const id of ids) state.stale.delete(id);
  try {
    await takeRuns(state, held, plan);
  } catch (error) {
    for (const id of ids) state.stale.add(id);
    throw error;
  }
}

/** The lease ran out and somebody noticed: everything held is theirs now. Start over under a new term. */
async function renewTerm(state: SchedulerState): Promise<void> {
  const { parts } = state;
  parts.log.warning('the lease was lost; a new term begins', { term: state.term });
  for (const run of Array.from(state.runs.values())) {
    for (const attempt of attemptsOf(run)) parts.executor.cancel(attempt, 'the scheduler lost its lease');
    forgetRun(state, run);
  }
  state.term = await beginTerm(parts);
  state.stale.clear();
  state.mayStartRuns = true;
}
