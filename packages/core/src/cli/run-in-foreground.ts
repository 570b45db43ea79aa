import type { EnvironmentConfig } from '../platform/config.ts';
import { endLeftoverChildren } from '../platform/leftover-children.ts';
import { startEnvironment, type EnvironmentOptions, type RunningEnvironment } from './environment.ts';
import { listenForInterruption } from './interruption.ts';
import { stopInTime } from './stop-in-time.ts';

/** What a command that runs an environment does besides. */
export interface Foreground extends EnvironmentOptions {
  readonly onStarted: (environment: RunningEnvironment) => void | Promise<void>;
  /** Called before the environment is stopped. */
  readonly onStopping?: () => void;
  /** Further reasons to end, besides signals. */
  readonly ended?: Promise<void>;
}

/** Shorter than the patience of a fleet with its environments. */
const LONGEST_STOP_MS = 1_200;

/** Runs an environment until a signal asks this process to end. */
export async function runInForeground(config: EnvironmentConfig, foreground: Foreground): Promise<undefined> {
  const interruption = listenForInterruption();
  const environment = await startEnvironment(config, foreground);
  try {
    await foreground.onStarted(environment);
    await Promise.race([interruption.received, ...(foreground.ended === undefined ? [] : [foreground.ended])]);
  } finally {
    foreground.onStopping?.();
    await stopInTime({
      stop: () => environment.stop(),
      longestMs: LONGEST_STOP_MS,
      // A task that does not react to being asked would outlive this process.
      cutShort: async () => void (await endLeftoverChildren(config.stateFolder)),
    });
  }
}
