import type { DagProcessor } from '../dag-processor/dag-processor.ts';
import { sleep, type Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { selectBundleVersionsInUse } from '../store/active-runs.ts';
import type { Database } from '../store/database.ts';

/** Old versions are small; an hour's worth of saves does no harm. */
const INTERVAL_MS = 3_600_000;

/** Removes bundle versions that no unfinished run and no dag is on, every hour until the returned function is called. */
export function pruneBundles(
  processor: DagProcessor,
  { database, clock, log }: { readonly database: Database; readonly clock: Clock; readonly log: Log },
): () => Promise<void> {
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    await sleep(clock, INTERVAL_MS, stopping.signal);
    while (!stopping.signal.aborted) {
      await prune().catch((error: unknown) => {
        log.warning('old bundle versions could not be removed; it is tried again in an hour', { reason: messageOf(error) });
      });
      await sleep(clock, INTERVAL_MS, stopping.signal);
    }
  };
  const prune = async (): Promise<void> => {
    const [versions] = await database.batch([selectBundleVersionsInUse()]);
    await processor.prune(new Set(versions.map(({ bundleVersion }) => bundleVersion)));
  };
  const ended = loop();
  return () => {
    stopping.abort();
    return ended;
  };
}
