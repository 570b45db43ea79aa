import { referenceOf } from '../../platform/value-store.ts';
import type { Database } from '../database.ts';

/** So many ids go into one statement. */
const PORTION = 500;

/** Which of these runs there are. */
export async function listExistingRuns(database: Database, dagRunIds: readonly string[]): Promise<ReadonlySet<string>> {
  const existing = new Set<string>();
  for (let from = 0; from < dagRunIds.length; from += PORTION) {
    const portion = dagRunIds.slice(from, from + PORTION);
    const rows = await database.reads.selectFrom('dagRun').select('id').where('id', 'in', portion).execute();
    for (const { id } of rows) existing.add(id);
  }
  return existing;
}

/** Keys of the values that rows of a run refer to. */
export async function listReferredValues(database: Database, dagRunId: string): Promise<ReadonlySet<string>> {
  const rows = await database.reads
    .selectFrom('xcom')
    .select(['value', 'offloaded'])
    .where('dagRunId', '=', dagRunId)
    .where('offloaded', 'is not', null)
    .execute();
  return new Set(rows.flatMap((row) => referenceOf(row)?.key ?? []));
}
