import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { TradewindError, messageOf } from '../../platform/errors.ts';
import { createLog } from '../../platform/log.ts';
import { exitCodeOf, type ExitCode } from '../exit-codes.ts';
import { runInForeground } from '../run-in-foreground.ts';
import { writeFleetLine } from './fleet-lines.ts';

/** Runs an environment as a part of a fleet: tells it everything, and ends when it does, whatever became of it. */
export async function runForFleet(config: EnvironmentConfig): Promise<ExitCode | undefined> {
  try {
    return await runInForeground(config, {
      // The fleet shows what happens; of the log only what it does not show.
      log: createLog({
        level: config.log.level === 'info' ? 'warning' : config.log.level,
        format: config.log.format,
        write: (line) => process.stderr.write(line),
        now: () => clock.now(),
      }),
      observe: (activity) => writeFleetLine({ type: 'activity', activity }),
      onStarted: ({ address, newAdminPassword }) =>
        writeFleetLine({ type: 'started', address, ...(newAdminPassword === undefined ? {} : { newAdminPassword }) }),
      ended: endOfInput(),
    });
  } catch (error) {
    writeFleetLine({ type: 'failed', code: error instanceof TradewindError ? error.code : 'internal', message: messageOf(error) });
    return exitCodeOf(error);
  } finally {
    process.stdin.destroy();
  }
}

/** The fleet holds the other end of standard input for as long as it lives. */
function endOfInput(): Promise<void> {
  const { stdin } = process;
  stdin.resume();
  return new Promise((resolve) => {
    stdin.once('end', resolve);
    stdin.once('close', resolve);
  });
}
