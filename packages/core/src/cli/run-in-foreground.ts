import type { EnvironmentConfig } from '../platform/config.ts';
import { systemClock } from '../platform/clock.ts';
import { TradewindError, messageOf } from '../platform/errors.ts';
import { endLeftoverChildren } from '../platform/leftover-children.ts';
import { returnMemoryWhenQuiet } from '../platform/return-memory.ts';
import { startEnvironment, type EnvironmentOptions, type RunningEnvironment } from './environment.ts';
import { listenForInterruption, type Interruption } from './interruption.ts';
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
  const environment = await startUnlessInterrupted(config, foreground, interruption);
  if (environment === undefined) return;
  const stopping = new AbortController();
  const returned = returnMemoryWhenQuiet({ clock: systemClock, signal: stopping.signal }).catch((error: unknown) =>
    foreground.log.warning('memory that only the start needed could not be returned', { problem: messageOf(error) }),
  );
  try {
    await foreground.onStarted(environment);
    await Promise.race([interruption.received, ...(foreground.ended === undefined ? [] : [foreground.ended])]);
  } finally {
    foreground.onStopping?.();
    stopping.abort();
    await returned;
    await stopInTime({
      stop: () => environment.stop(),
      longestMs: LONGEST_STOP_MS,
      // A task that does not react to being asked would outlive this process.
      cutShort: async () => void (await endLeftoverChildren(config.stateFolder)),
    });
  }
}

/** Whoever gave up while the start still waited for the database does not want to hear why it had not come. */
async function startUnlessInterrupted(
  config: EnvironmentConfig,
  foreground: Foreground,
  { signal }: Interruption,
): Promise<RunningEnvironment | undefined> {
  const givenUp = new AbortController();
  void foreground.ended?.then(() => {
    givenUp.abort();
  });
  const either = AbortSignal.any([signal, givenUp.signal]);
  try {
    return await startEnvironment(config, { ...foreground, signal: either });
  } catch (error) {
    if (either.aborted && error instanceof TradewindError && error.code === 'database_unavailable') return undefined;
    throw error;
  }
}
