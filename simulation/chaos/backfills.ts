import type { ChaosFleet } from './fleet.ts';
import { BACKFILLED_DAG, datesOfBackfill } from './load.ts';

const LOOK_EVERY_MS = 400;
const MOST_ACTIVE_RUNS = 4;

interface BackfillRow {
  readonly from_date: string;
  readonly completed_at: string | null;
}

/**
 * Has this many backfills created through the API, one when the one before is complete: a dag has one at a time. An answer may be lost with the process that was
 * to give it, so what is there is looked at before anything is asked for. Ends early where the signal aborts: what is missing then counts as lost.
 */
export async function createBackfills(fleet: ChaosFleet, count: number, signal: AbortSignal): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    while (!signal.aborted && !(await isComplete(fleet, number))) await pause(LOOK_EVERY_MS);
  }
}

async function isComplete(fleet: ChaosFleet, number: number): Promise<boolean> {
  const dates = datesOfBackfill(number);
  const answer = (await fleet.ask('orders', `/api/v2/backfills?dag_id=${BACKFILLED_DAG}&limit=100&order_by=-id`)) as
    | { readonly backfills: readonly BackfillRow[] }
    | undefined;
  if (answer === undefined) return false;
  const own = answer.backfills.find(({ from_date: from }) => from === dates[0]);
  if (own !== undefined) return own.completed_at !== null;
  await fleet.ask('orders', '/api/v2/backfills', {
    dag_id: BACKFILLED_DAG,
    from_date: dates[0],
    to_date: dates.at(-1),
    max_active_runs: MOST_ACTIVE_RUNS,
    run_backwards: number % 2 === 1,
  });
  return false;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
