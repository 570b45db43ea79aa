import type { DagFilesChange } from '../../dag-processor/dag-files.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import { createLog, type Log } from '../../platform/log.ts';
import { DagChangePrinter } from '../dev/dag-change-printer.ts';
import { readKnownDags } from '../dev/read-known-dags.ts';
import { findEnvironment } from '../find-environment.ts';
import { DEFAULT_WIDTHS, formatActivity } from '../output/activity-text.ts';
import { describeLogin } from '../output/environment-address.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { runInForeground } from '../run-in-foreground.ts';
import { connectToRunning } from '../session/running-session.ts';

/** `tradewind dev`: what each save changed, or what is wrong with it, and what runs. */
export async function dev({ folder, verbose }: EnvironmentOptions): Promise<undefined> {
  const config = findEnvironment(folder);
  const { stdout } = process;
  const changes = new DagChangePrinter(await readKnownDags(config));
  await runInForeground(config, {
    log: withoutImportErrors(
      createLog({
        level: verbose === true ? 'debug' : 'warning',
        format: config.log.format,
        write: (line) => process.stderr.write(line),
        now: () => clock.now(),
      }),
    ),
    onDagsChanged: (change: DagFilesChange) => changes.print(change),
    observe(activity) {
      const line = formatActivity(activity, { stream: stdout, widths: DEFAULT_WIDTHS });
      if (line !== undefined) stdout.write(`${line}\n`);
    },
    async onStarted({ address, newAdminPassword }) {
      stdout.write(`${config.name} is at ${address}\n${describeLogin(config, newAdminPassword)}\n`);
      stdout.write('Save a dag file and its changes are here. Ctrl-C ends it.\n');
      const session = await connectToRunning(config);
      if (session !== undefined) changes.begin(session);
    },
    onStopping: () => changes.stop(),
  });
}

/** The import errors of a save are shown with their lines; the log would say them once more. */
function withoutImportErrors(log: Log): Log {
  return {
    ...log,
    warning(event, fields) {
      if (event !== 'dag file has an import error') log.warning(event, fields);
    },
    named: (name) => withoutImportErrors(log.named(name)),
  };
}
