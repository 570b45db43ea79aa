import type { Activity } from '../../platform/activity.ts';
import { sleep, systemClock as clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { ApiCall, EnvironmentSession } from '../session/environment-session.ts';
import type { DagOfEnvironment, MainJob } from './fleet-file.ts';

/** What the main job needs of the fleet. */
export interface MainJobParts {
  readonly job: MainJob;
  /** Each environment's API, by its name; another one after each restart. */
  readonly sessions: ReadonlyMap<string, EnvironmentSession>;
  /** Version of the upstream folder of dag files that the run must be on: the files as they are now. */
  readonly bundleVersion: string;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

/** The main job of a fleet, from the request for its run to the end of the run that is waited for. */
export interface MainJobRun {
  /** Tells it what happens in the fleet. */
  observe(environment: string, activity: Activity): void;
  /** How it ended: `failed` where either run did. Rejects where the run cannot be asked for. Never settles after the signal. */
  readonly ended: Promise<'success' | 'failed'>;
}

/** Reading a dag file takes at most this long, as a rule; the run then starts on what is known. */
const PATIENCE_MS = 15_000;
const POLL_MS = 50;
const KNOWN_RUNS = 100;

/** Asks for the run, once the environment has the dag as its file defines it now, and waits for what follows from it. */
export function startMainJob(parts: MainJobParts): MainJobRun {
  const end = Promise.withResolvers<'success' | 'failed'>();
  const { job } = parts;
  const runId = `manual__${new Date(clock.now()).toISOString().replace('Z', '+00:00')}`;
  /** Runs that were there before the request come from an earlier life of the fleet. */
  let knownRuns: ReadonlySet<string> | undefined;

  const request = async (): Promise<void> => {
    await waitForDag(parts);
    knownRuns = await listUnfinishedRuns(parts);
    await requestRun(parts, runId);
  };
  request().catch(end.reject);

  return {
    ended: end.promise,
    observe(environment, activity) {
      if (isEndOf(job, environment, activity) && activity.state === 'failed' && activity.runId === runId) end.resolve('failed');
      if (!isEndOf(job.waitFor, environment, activity) || knownRuns?.has(activity.runId) !== false) return;
      end.resolve(activity.state === 'success' ? 'success' : 'failed');
    },
  };
}

function isEndOf(dag: DagOfEnvironment, environment: string, activity: Activity): activity is Activity & { type: 'dag_run' } {
  if (activity.type !== 'dag_run' || environment !== dag.environment || activity.dagId !== dag.dag) return false;
  return activity.state === 'success' || activity.state === 'failed';
}

/** A run that is asked for earlier is on the version that the last life of the environment knew. */
async function waitForDag(parts: MainJobParts): Promise<void> {
  const { job, bundleVersion, signal } = parts;
  const giveUpAt = clock.monotonicMs() + PATIENCE_MS;
  while (!signal.aborted) {
    const dag = await findDag(parts);
    if (dag?.bundle_version === bundleVersion) return;
    if (clock.monotonicMs() > giveUpAt) {
      if (dag !== undefined) return;
      throw new TradewindError(
        'not_found',
        `fleet.json: the environment ${job.environment} has no dag "${job.dag}"; look at its dag files`,
      );
    }
    await sleep(clock, POLL_MS, signal);
  }
}

async function findDag(parts: MainJobParts): Promise<{ readonly bundle_version: string } | undefined> {
  const { environment, dag } = parts.job;
  try {
    return (await ask(parts, environment, { method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dag)}` })) as {
      readonly bundle_version: string;
    };
  } catch (error) {
    if (error instanceof TradewindError && error.code === 'not_found') return undefined;
    throw error;
  }
}

async function listUnfinishedRuns(parts: MainJobParts): Promise<ReadonlySet<string>> {
  const { environment } = parts.job.waitFor;
  const path = `/api/v2/dags/~/dagRuns?state=queued&state=running&limit=${KNOWN_RUNS}`;
  const { dag_runs: runs } = (await ask(parts, environment, { method: 'GET', path })) as {
    readonly dag_runs: readonly { readonly dag_run_id: string }[];
  };
  return new Set(runs.map((run) => run.dag_run_id));
}

/** Whoever finds the run there asked for it before the environment died, and was not told. */
async function requestRun(parts: MainJobParts, runId: string): Promise<void> {
  const { environment, dag, conf } = parts.job;
  const path = `/api/v2/dags/${encodeURIComponent(dag)}/dagRuns`;
  try {
    await ask(parts, environment, { method: 'POST', path, body: { dag_run_id: runId, logical_date: null, conf } });
  } catch (error) {
    if (!(error instanceof TradewindError) || error.code !== 'conflict') throw error;
  }
}

/** Asks an environment, again and again while it does not answer: it is being started again. */
async function ask({ sessions, signal }: MainJobParts, environment: string, call: ApiCall): Promise<unknown> {
  for (;;) {
    const session = sessions.get(environment);
    try {
      if (session !== undefined) return await session.ask(call);
    } catch (error) {
      const doesNotAnswer = error instanceof TradewindError && error.code === 'timeout';
      if (!doesNotAnswer || signal.aborted) throw error;
    }
    await sleep(clock, POLL_MS, signal);
  }
}
