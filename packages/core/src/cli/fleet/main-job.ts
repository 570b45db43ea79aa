import type { Activity } from '../../platform/activity.ts';
import { sleep, systemClock as clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import type { DagOfEnvironment, MainJob } from './fleet-file.ts';

/** What the main job needs of the fleet. */
export interface MainJobParts {
  readonly job: MainJob;
  /** The environment that has the dag, and the one that has the dag that is waited for. */
  readonly upstream: EnvironmentSession;
  readonly downstream: EnvironmentSession;
  /** Version of the upstream folder of dag files that the run must be on: the files as they are now. */
  readonly bundleVersion: string;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** The main job of a fleet, from the request for its run to the end of the run that is waited for. */
export interface MainJobRun {
  /** Tells it what happens in the fleet. */
  observe(environment: string, activity: Activity): void;
  /** How it ended: `failed` where either run did. Never settles after the signal. */
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
  let knownRuns: ReadonlySet<string> | undefined;
  let runId: string | undefined;
  /** A run may fail before the answer to its request is here. */
  const failedRuns = new Set<string>();

  const request = async (): Promise<void> => {
    await waitForDag(parts);
    knownRuns = await listRunIds(parts.downstream, job.waitFor.dag);
    runId = await requestRun(parts);
    if (failedRuns.has(runId)) end.resolve('failed');
  };
  request().catch(end.reject);

  const isEndOf = (dag: DagOfEnvironment, environment: string, activity: Activity): activity is Activity & { type: 'dag_run' } =>
    activity.type === 'dag_run' && environment === dag.environment && activity.dagId === dag.dag && isEnd(activity.state);
  return {
    ended: end.promise,
    observe(environment, activity) {
      if (isEndOf(job, environment, activity) && activity.state === 'failed') {
        failedRuns.add(activity.runId);
        if (activity.runId === runId) end.resolve('failed');
      }
      // Runs that were there before the request come from an earlier life of the fleet.
      if (!isEndOf(job.waitFor, environment, activity) || knownRuns?.has(activity.runId) !== false) return;
      end.resolve(activity.state === 'success' ? 'success' : 'failed');
    },
  };
}

function isEnd(state: string): boolean {
  return state === 'success' || state === 'failed';
}

/** A run that is asked for earlier is on the version that the last life of the environment knew. */
async function waitForDag({ job, upstream, bundleVersion, signal }: MainJobParts): Promise<void> {
  const giveUpAt = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const dag = await findDag(upstream, job.dag);
    if (dag?.bundle_version === bundleVersion || signal.aborted) return;
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

async function findDag({ ask }: EnvironmentSession, dagId: string): Promise<{ readonly bundle_version: string } | undefined> {
  try {
    return (await ask({ method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dagId)}` })) as { readonly bundle_version: string };
  } catch (error) {
    if (error instanceof TradewindError && error.code === 'not_found') return undefined;
    throw error;
  }
}

async function listRunIds({ ask }: EnvironmentSession, dagId: string): Promise<ReadonlySet<string>> {
  const path = `/api/v2/dags/~/dagRuns?dag_id_pattern=${encodeURIComponent(dagId)}&state=queued&state=running&limit=${KNOWN_RUNS}`;
  const { dag_runs: runs } = (await ask({ method: 'GET', path })) as { readonly dag_runs: readonly { readonly dag_run_id: string }[] };
  return new Set(runs.map((run) => run.dag_run_id));
}

async function requestRun({ job, upstream }: MainJobParts): Promise<string> {
  const path = `/api/v2/dags/${encodeURIComponent(job.dag)}/dagRuns`;
  const run = await upstream.ask({ method: 'POST', path, body: { logical_date: null, conf: job.conf } });
  return (run as { readonly dag_run_id: string }).dag_run_id;
}
