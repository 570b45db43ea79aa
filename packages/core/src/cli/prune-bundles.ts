import { sleep, type Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { selectBundleVersionsInUse } from '../store/active-runs.ts';
import type { Database } from '../store/database.ts';
import { dropUnusedDagVersions } from '../store/transitions/drop-dag-versions.ts';
import type { DagProcessors } from './dag-processors.ts';

/** Old versions are small; an hour's worth of saves does no harm. */
const INTERVAL_MS = 3_600_000;

/** A run that ended within this time finds its code when it is cleared. */
const CLEARABLE_MS = 7 * 86_400_000;
/** A dag version that nothing is on can be compared with for this long. */
const COMPARABLE_MS = 86_400_000;

/** Removes bundle versions that no unfinished or lately ended run and no dag is on, and dag versions that nothing is on, every hour until the returned function is called. */
export function pruneBundles(
  processors: Pick<DagProcessors, 'prune'>,
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
    const [versions] = await database.batch([selectBundleVersionsInUse(clock.now() - CLEARABLE_MS)]);
    await processors.prune(new Set(versions.map(({ bundleVersion }) => bundleVersion)));
    await database.batch([dropUnusedDagVersions(clock.now() - COMPARABLE_MS)]);
  };
  const ended = loop();
  return () => {
    stopping.abort();
    return ended;
  };
}
