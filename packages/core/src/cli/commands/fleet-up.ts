import { systemClock as clock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findFleetFolder } from '../find-environment.ts';
import { readFleet, type MainJob } from '../fleet/fleet-file.ts';
import { createJsonPrinter } from '../fleet/json-printer.ts';
import { startMainJob, type MainJobRun } from '../fleet/main-job.ts';
import { startFleet, type RunningFleet } from '../fleet/run-fleet.ts';
import { createTextPrinter } from '../fleet/text-printer.ts';
import { listenForInterruption } from '../interruption.ts';
import { stopInTime } from '../stop-in-time.ts';

interface FleetUpOptions {
  readonly folder?: string;
  readonly once?: boolean;
  /** In seconds; counts with `once`. */
  readonly timeout: number;
  readonly json?: boolean;
}

/** What people wait for after Ctrl-C, less the end of this process. */
const LONGEST_STOP_MS = 1_900;

/** `tradewind fleet up`: stays until it is interrupted, or with `--once` until the main job has ended, whose end is then the exit code. */
export async function fleetUp(options: FleetUpOptions): Promise<ExitCode | undefined> {
  const fleet = readFleet(findFleetFolder(options.folder));
  if (options.once === true && fleet.run === undefined) {
    throw new TradewindError('usage', `--once needs to know what to wait for: name the run in ${fleet.folder}/fleet.json ("run")`);
  }
  const printer = options.json === true ? createJsonPrinter() : createTextPrinter(fleet.environments.map(({ name }) => name));
  const interruption = listenForInterruption();
  const stopping = new AbortController();
  let job: MainJobRun | undefined;
  const running = await startFleet(fleet, { printer, onActivity: (environment, activity) => job?.observe(environment, activity) });
  try {
    if (interruption.signal.aborted) return undefined;
    job = fleet.run === undefined ? undefined : startJob(fleet.run, running, stopping.signal);
    if (options.once === true && job !== undefined) return await waitForJob(job, options, interruption.received);
    job?.ended.catch((error: unknown) => printer.print({ type: 'notice', text: (error as Error).message }));
    printer.print({ type: 'notice', text: 'Ctrl-C stops the fleet.' });
    await interruption.received;
    return undefined;
  } finally {
    stopping.abort();
    // Environments that are left end by themselves, with this process.
    await stopInTime({ stop: () => running.stop(), longestMs: LONGEST_STOP_MS, cutShort: () => Promise.resolve() });
  }
}

function startJob(job: MainJob, { sessions, traffic }: RunningFleet, signal: AbortSignal): MainJobRun {
  return startMainJob({ job, sessions, bundleVersion: traffic.get(job.environment)?.bundleVersion ?? '', signal });
}

async function waitForJob(job: MainJobRun, { timeout }: FleetUpOptions, interrupted: Promise<void>): Promise<ExitCode> {
  const timedOut = Promise.withResolvers<'timeout'>();
  const timer = clock.setTimer(timeout * 1_000, () => timedOut.resolve('timeout'));
  const end = await Promise.race([job.ended, timedOut.promise, interrupted.then(() => 'interrupted' as const)]).finally(() =>
    timer.cancel(),
  );
  switch (end) {
    case 'success':
      return EXIT.ok;
    case 'failed':
      return EXIT.failed;
    case 'interrupted':
      return EXIT.interrupted;
    case 'timeout':
      throw new TradewindError(
        'timeout',
        `the run that fleet.json waits for has not ended after ${timeout} s; the lines above say how far it got`,
      );
  }
}
