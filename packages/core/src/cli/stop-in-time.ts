import { systemClock as clock } from '../platform/clock.ts';
import { EXIT } from './exit-codes.ts';

/** A stop that must not take for ever. */
export interface StopInTime {
  readonly stop: () => Promise<void>;
  readonly longestMs: number;
  /** Does at once what cannot be left undone, where the stop takes too long. */
  readonly cutShort: () => Promise<void>;
}

/**
 * Stops what runs. A stop that takes too long ends the process as it is: people who press Ctrl-C wait about two seconds before they look for a stronger means, and the
 * next start finds whatever a crash leaves.
 */
export async function stopInTime({ stop, longestMs, cutShort }: StopInTime): Promise<void> {
  const timer = clock.setTimer(longestMs, () => {
    process.stderr.write(`tradewind: stopping took longer than ${longestMs / 1_000} s and was cut short\n`);
    void cutShort().finally(() => process.exit(EXIT.failed));
  });
  try {
    await stop();
  } finally {
    timer.cancel();
  }
}
