import { runPath, taskPath } from '../../api/pages/paths.ts';
import type { Activity } from '../../platform/activity.ts';
import { sleep, systemClock as clock } from '../../platform/clock.ts';
import { messageOf } from '../../platform/errors.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import type { FleetPrinter, FleetStep } from './fleet-step.ts';

/** Who watches a fleet. */
export interface FleetObserver {
  readonly printer: FleetPrinter;
  readonly onActivity: (environment: string, activity: Activity) => void;
}

/** On a stop: nothing has happened for this long, or so long at most. */
const QUIET_MS = 100;
const LONGEST_WAIT_FOR_QUIET_MS = 400;

/** Shows activities in the order in which they come, although what is shown of some has to be asked for first. */
export interface ActivityShow {
  activity(environment: string, activity: Activity): void;
  inTurn(work: () => Promise<void>): void;
  /** Resolves when everything that came so far is shown. */
  settled(): Promise<void>;
  /** Resolves when nothing has come for a moment, or after a longer one. */
  quiet(): Promise<void>;
}

/** Makes the show of a fleet whose environments may not all answer yet. */
export function createActivityShow(
  sessions: ReadonlyMap<string, EnvironmentSession>,
  { printer, onActivity }: FleetObserver,
): ActivityShow {
  let latestMs = Number.NEGATIVE_INFINITY;
  let shown: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => {
    shown = shown.then(work).catch((error: unknown) => {
      printer.print({ type: 'notice', text: messageOf(error) });
    });
  };
  return {
    inTurn,
    activity(environment, activity) {
      latestMs = clock.monotonicMs();
      inTurn(async () => {
        printer.print(await toStep(environment, activity, sessions.get(environment)));
        onActivity(environment, activity);
      });
    },
    settled: () => shown,
    async quiet() {
      const giveUpAt = clock.monotonicMs() + LONGEST_WAIT_FOR_QUIET_MS;
      while (clock.monotonicMs() < Math.min(giveUpAt, latestMs + QUIET_MS)) await sleep(clock, QUIET_MS / 4);
    },
  };
}

async function toStep(environment: string, activity: Activity, session: EnvironmentSession | undefined): Promise<FleetStep> {
  const step = { type: 'activity', environment, activity } as const;
  if (session?.address === undefined || !('runId' in activity)) return step;
  const { dagId, runId } = activity;
  const page = activity.type === 'task_instance' ? taskPath(dagId, runId, activity.taskId, activity.tryNumber) : runPath(dagId, runId);
  // An environment that does not answer has crashed, which is told next; the line does without.
  const durationMs = activity.type === 'dag_run' ? await readDuration(session, activity).catch(() => undefined) : undefined;
  return { ...step, url: new URL(page, session.address).href, ...(durationMs === undefined ? {} : { durationMs }) };
}

async function readDuration(
  { ask }: EnvironmentSession,
  { dagId, runId, state }: Activity & { type: 'dag_run' },
): Promise<number | undefined> {
  if (state !== 'success' && state !== 'failed') return undefined;
  const run = await ask({ method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}` });
  const { duration } = run as { readonly duration: number | null };
  return duration === null ? undefined : Math.round(duration * 1_000);
}
