import type { Database } from '../database.ts';

/** A run by its two names. */
export interface DagRunName {
  readonly id: string;
  readonly runId: string;
}

/** Finds the run of a dag that has this run id, or else this logical date. */
export async function findDagRunId(
  { reads }: Database,
  wanted: { readonly dagId: string; readonly runId: string; readonly logicalAt: number | null },
): Promise<DagRunName | undefined> {
  const runs = reads.selectFrom('dagRun').select(['id', 'runId']).where('dagId', '=', wanted.dagId);
  const named = await runs.where('runId', '=', wanted.runId).executeTakeFirst();
  if (named !== undefined || wanted.logicalAt === null) return named;
  return runs.where('logicalAt', '=', wanted.logicalAt).executeTakeFirst();
}
