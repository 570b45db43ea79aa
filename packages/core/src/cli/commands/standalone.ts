import type { Activity } from '../../platform/activity.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { createLog, type Log } from '../../platform/log.ts';
import type { ExitCode } from '../exit-codes.ts';
import { findEnvironment } from '../find-environment.ts';
import { describeLogin } from '../output/environment-address.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { runInForeground } from '../run-in-foreground.ts';

interface StandaloneOptions extends EnvironmentOptions {
  /** Whether the parent is a fleet, which is told everything as lines of JSON. */
  readonly jsonActivity?: boolean;
}

/** `tradewind standalone`: the address and the way in on standard output, the log on standard error. */
export async function standalone({ folder, jsonActivity }: StandaloneOptions): Promise<ExitCode | undefined> {
  const config = findEnvironment(folder);
  if (jsonActivity === true) {
    const { runForFleet } = await import('../fleet/run-for-fleet.ts');
    return runForFleet(config);
  }
  const log = createStandardLog(config);
  const activityLog = log.named('activity');
  return runInForeground(config, {
    log,
    observe: (activity) => logActivity(activityLog, activity),
    onStarted({ address, newAdminPassword }) {
      process.stdout.write(`${config.name} is at ${address}\n${describeLogin(config, newAdminPassword)}\n`);
    },
  });
}

function createStandardLog({ log }: EnvironmentConfig): Log {
  return createLog({ ...log, write: (line) => process.stderr.write(line), now: () => clock.now() });
}

function logActivity(log: Log, { type, ...facts }: Activity): void {
  log.info(type, facts);
}
