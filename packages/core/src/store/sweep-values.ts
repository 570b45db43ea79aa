import type { StoredRuns, ValueStore } from '../platform/value-store.ts';
import type { Database } from './database.ts';
import { listExistingRuns, listReferredValues } from './reads/offloaded-values.ts';

/** A value is written before the transaction that refers to it; one that nothing refers to after so long was left behind by a crash, a clear or a later try. */
const UNREFERRED_FOR_MS = 3_600_000;
/** A run that the database does not know may be known to another one: an environment that was moved to another database for a while finds its values when it comes back. */
const UNKNOWN_FOR_MS = 7 * 86_400_000;

/** How much a sweep has removed. */
export interface Sweeping {
  /** Runs with everything that was kept of them. */
  readonly runs: number;
  /** Single values of runs that there are. */
  readonly values: number;
}

/**
 * Deletes runs, and then the large values of those that are gone. A crash between the two leaves values behind, for a sweep to find.
 * @param store undefined where this process cannot reach the values
 */
export async function deleteWithValues<Result>(
  database: Database,
  store: StoredRuns | undefined,
  deletion: () => Promise<Result>,
): Promise<Result> {
  if (store === undefined) return deletion();
  const before = await listExistingRuns(database, await store.listRuns());
  const result = await deletion();
  const after = await listExistingRuns(database, [...before]);
  for (const dagRunId of before) if (!after.has(dagRunId)) await store.removeRun(dagRunId);
  return result;
}

/**
 * Removes large values that no row refers to: of crashed writes, of values that were replaced, and, after a week, of runs that are gone. Idempotent.
 * @param now milliseconds since the epoch, by the clock that the store writes with
 */
export async function sweepValues(database: Database, store: ValueStore, now: number): Promise<Sweeping> {
  const kept = await store.listRuns();
  const existing = await listExistingRuns(database, kept);
  let runs = 0;
  let values = 0;
  for (const dagRunId of kept) {
    if (existing.has(dagRunId)) values += await sweepRun(database, store, { dagRunId, before: now - UNREFERRED_FOR_MS });
    else if ((await store.listValues(dagRunId)).every(({ writtenAt }) => writtenAt < now - UNKNOWN_FOR_MS)) {
      await store.removeRun(dagRunId);
      runs += 1;
    }
  }
  return { runs, values };
}

/** The store is asked first: a value that was referred to meanwhile was written, again where it was old, meanwhile. */
async function sweepRun(
  database: Database,
  store: ValueStore,
  { dagRunId, before }: { readonly dagRunId: string; readonly before: number },
): Promise<number> {
  const old = (await store.listValues(dagRunId)).filter(({ writtenAt }) => writtenAt < before);
  if (old.length === 0) return 0;
  const referred = await listReferredValues(database, dagRunId);
  const unreferred = old.filter(({ key }) => !referred.has(key));
  for (const { key } of unreferred) await store.removeValue(key);
  return unreferred.length;
}
