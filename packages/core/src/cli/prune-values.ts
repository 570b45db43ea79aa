import { sleep, type Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { LargeValues, ValueStore } from '../platform/value-store.ts';
import type { Database } from '../store/database.ts';
import { sweepValues } from '../store/sweep-values.ts';

/** What is left behind takes space and does no other harm. */
const INTERVAL_MS = 3_600_000;

interface SweepingParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** Removes large values that nothing refers to, now and every hour, until the returned function is called. */
export function pruneValues({ stores }: LargeValues, parts: SweepingParts): () => Promise<void> {
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      for (const store of stores) await sweep(store, parts);
      await sleep(parts.clock, INTERVAL_MS, stopping.signal);
    }
  };
  const ended = loop();
  return () => {
    stopping.abort();
    return ended;
  };
}

async function sweep(store: ValueStore, { database, clock, log }: SweepingParts): Promise<void> {
  try {
    const { runs, values } = await sweepValues(database, store, clock.now());
    if (runs + values > 0) log.info('large values that nothing refers to were removed', { store: store.name, runs, values });
  } catch (error) {
    log.warning('large values could not be swept; it is tried again in an hour', { store: store.name, reason: messageOf(error) });
  }
}
