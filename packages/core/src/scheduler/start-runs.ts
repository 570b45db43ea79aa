import { claimRunRequests, createRequestedDagRuns, linkTriggeringEvents, releaseClaim } from '../store/transitions/claim-run-requests.ts';
import { lockDagsWithQueuedRuns, startDagRuns } from '../store/transitions/start-dag-runs.ts';
import type { SchedulerState } from './scheduler-state.ts';
import { takeRuns } from './take-runs.ts';
import type { TickPlan } from './tick-plan.ts';

/** Most runs that are created or started in one go; where there are more, the next pass goes on at once. */
const MOST_RUNS = 100;

/** Turns the requests of events into runs, starts the runs that may start, and enters their first decisions into the plan. */
export async function startRuns(state: SchedulerState, plan: TickPlan): Promise<void> {
  if (!state.mayStartRuns) return;
  state.mayStartRuns = false;
  const { term, parts } = state;
  try {
    const [, created, , , , started] = await parts.database.batch([
      claimRunRequests(term, MOST_RUNS),
      createRequestedDagRuns(term, plan.now),
      linkTriggeringEvents(term),
      releaseClaim(term),
      lockDagsWithQueuedRuns(plan.now),
      startDagRuns(term, plan.now, MOST_RUNS),
    ]);
    if (created.length >= MOST_RUNS || started.length >= MOST_RUNS) state.mayStartRuns = true;
    await takeRuns(state, started, plan);
    for (const { dagId, runId, runType } of started) parts.observe({ type: 'dag_run', dagId, runId, runType, state: 'running' });
  } catch (error) {
    state.mayStartRuns = true;
    throw error;
  }
}
