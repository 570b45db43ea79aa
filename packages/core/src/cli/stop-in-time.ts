import { systemClock as clock } from '../platform/clock.ts';
import { EXIT } from './exit-codes.ts';

/** How long people wait after Ctrl-C before they look for a stronger means. */
const LONGEST_STOP_MS = 1_800;

/**
 * Stops what runs; a stop that takes too long ends the process as it is. Nothing is lost by that: the next start finds what a crash leaves, and ends the
 * processes that were left behind.
 */
export async function stopInTime(stop: () => Promise<void>): Promise<void> {
  const timer = clock.setTimer(LONGEST_STOP_MS, () => {
    process.stderr.write(`tradewind: stopping took longer than ${LONGEST_STOP_MS / 1_000} s and was cut short\n`);
    process.exit(EXIT.failed);
  });
  try {
    await stop();
  } finally {
    timer.cancel();
  }
}
