import type { Attempt } from '@tradewind/protocol';
import { selectChangedDagRuns, selectHeldDagRuns, selectPools, selectUnknownDagRuns } from '../store/active-runs.ts';
import { endExpiredJobs, endOtherJobs, heartbeatJob, startJob } from '../store/transitions/jobs.ts';
import { releaseMarkedDagRuns } from '../store/transitions/mark-dag-run.ts';
import { adoptDagRuns } from '../store/transitions/start-dag-runs.ts';
import { resumePausedRuns } from './commit-tick.ts';
import {
  DEFAULT_LEASE_MS,
  DEFAULT_RECOVERY_INTERVAL_MS,
  distrustRun,
  isCurrent,
  type SchedulerParts,
  type SchedulerState,
} from './scheduler-state.ts';
import { isOccupying } from './run-state.ts';
import { lineUp, retryOversized } from './slots.ts';
import { recoverRun, takeRuns } from './take-runs.ts';
import type { TickPlan } from './tick-plan.ts';

/** Most runs that are adopted in one round. */
const MOST_ADOPTED = 200;
/** More graphs than this are kept only while a run needs them. */
const MOST_IDLE_GRAPHS = 200;

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
  const [renewed, , adopted, unknown, pools] = await parts.database.batch([
    heartbeatJob(state.term, parts.leaseMs ?? DEFAULT_LEASE_MS),
    endExpiredJobs('scheduler', state.term),
    adoptDagRuns(state.term, MOST_ADOPTED),
    selectUnknownDagRuns(state.term, [...state.runs.keys()]),
    selectPools(),
  ]);
  if (renewed.length === 0) {
    await renewTerm(state);
    return;
  }
  readPools(state, pools);
  for (const run of state.runs.values()) recoverRun(state, run, plan);
  await takeRuns(state, unknown, plan);
  resumePausedRuns(state);
  for (const run of state.runs.values()) lineUp(state, run);
  for (const run of state.pastWaiters) state.pastChanged.add(run.row.dagId);
  forgetIdleGraphs(state);
  state.mayStartRuns = true;
  state.nextRecoveryAt = adopted.length < MOST_ADOPTED ? plan.now + (parts.recoveryIntervalMs ?? DEFAULT_RECOVERY_INTERVAL_MS) : plan.now;
}

/** Finds the runs that somebody else has changed, to be read again. */
export async function noticeChanges(state: SchedulerState): Promise<void> {
  if (!state.mayHaveChanges) return;
  const [changed, ended] = await state.parts.database.batch([selectChangedDagRuns(state.term), releaseMarkedDagRuns(state.term)]);
  state.mayHaveChanges = false;
  for (const { id } of [...changed, ...ended]) {
    const run = state.runs.get(id);
    if (run !== undefined) distrustRun(state, run);
  }
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
  stopReplaced(state);
}

/** Stops attempts that were given up while their run was not in memory. */
function stopReplaced(state: SchedulerState): void {
  const doubtful: Attempt[] = [...state.doubtful.values()];
  state.doubtful.clear();
  for (const attempt of doubtful) {
    const known = state.byTaskInstance.get(attempt.taskInstanceId);
    const isWanted = known !== undefined && isCurrent(known, attempt) && isOccupying(known.task);
    if (!isWanted) state.parts.executor.cancel(attempt, 'the task instance was changed, or belongs to another scheduler now');
  }
}

/** The lease ran out and somebody noticed: everything held is theirs now. Start over under a new term. */
async function renewTerm(state: SchedulerState): Promise<void> {
  const { parts } = state;
  parts.log.warning('the lease was lost; a new term begins', { term: state.term });
  for (const run of Array.from(state.runs.values())) distrustRun(state, run);
  for (const attempt of state.doubtful.values()) parts.executor.cancel(attempt, 'the scheduler lost its lease');
  state.doubtful.clear();
  state.term = await beginTerm(parts);
  state.stale.clear();
  state.mayStartRuns = true;
}

function readPools(state: SchedulerState, pools: readonly { readonly name: string; readonly slots: number }[]): void {
  state.pools.clear();
  for (const { name, slots } of pools) state.pools.set(name, slots);
  state.arePoolsKnown = true;
  retryOversized(state);
}

function forgetIdleGraphs(state: SchedulerState): void {
  if (state.graphs.size <= MOST_IDLE_GRAPHS + state.runs.size) return;
  const used = new Set([...state.runs.values()].map(({ row }) => row.dagVersionId));
  for (const id of state.graphs.keys()) if (!used.has(id)) state.graphs.delete(id);
}
