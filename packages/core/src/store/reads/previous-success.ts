import type { Database } from '../database.ts';

/** A run that succeeded. Times are milliseconds since the epoch. */
export interface SuccessfulRun {
  readonly intervalStartAt: number | null;
  readonly intervalEndAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** The newest run of a dag that succeeded, of those whose logical date is before this one (Airflow's `previous-successful-dagrun`). */
export async function findPreviousSuccess({ reads }: Database, dagId: string, logicalAt: number): Promise<SuccessfulRun | undefined> {
  return reads
    .selectFrom('dagRun')
    .select(['intervalStartAt', 'intervalEndAt', 'startedAt', 'endedAt'])
    .where('dagId', '=', dagId)
    .where('logicalAt', '<', logicalAt)
    .where('state', '=', 'success')
    .orderBy('logicalAt', 'desc')
    .limit(1)
    .executeTakeFirst();
}
