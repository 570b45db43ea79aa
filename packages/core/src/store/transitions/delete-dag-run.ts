import { defineStatement, type Database } from '../database.ts';
import { TABLES_OF_RUN, TABLES_OF_TASK_INSTANCE } from '../rows-of-dag-run.ts';

/** What became of the wish; a run that has not ended is left alone. */
export type DeleteDagRunOutcome = 'deleted' | 'not_ended' | 'not_found';

/**
 * success | failed → (absent), with everything that belongs to the run. Logs stay.
 *
 * Called by the API. Run twice: it is not found. An event that made the run does not make it again.
 */
export async function deleteDagRun(database: Database, dagRunId: string): Promise<DeleteDagRunOutcome> {
  const { deleted, found } = await deleteRuns(database, [dagRunId], Number.MAX_SAFE_INTEGER);
  if (deleted.length > 0) return 'deleted';
  return found ? 'not_ended' : 'not_found';
}

/**
 * The same for many runs, as far as they have ended before a time.
 * @returns ids of those that are gone
 */
export async function deleteDagRuns(database: Database, dagRunIds: readonly string[], endedBefore: number): Promise<readonly string[]> {
  return (await deleteRuns(database, dagRunIds, endedBefore)).deleted;
}

/** Locks the runs first, so that nobody clears them meanwhile; each statement looks itself whether they have ended. */
async function deleteRuns(database: Database, dagRunIds: readonly string[], endedBefore: number) {
  const ids = JSON.stringify(dagRunIds.map((id) => ({ id })));
  const rows: readonly (readonly unknown[])[] = await database.batch([
    lockRunsToDelete(ids),
    ...DELETIONS.map((deletion) => deletion(ids, endedBefore)),
    deleteEndedRuns(ids, endedBefore),
  ]);
  const deleted = (rows.at(-1) ?? []) as readonly { readonly id: string }[];
  return { deleted: deleted.map(({ id }) => id), found: (rows[0] ?? []).length > 0 };
}

const lockRunsToDelete = defineStatement<{ id: string }, [ids: string]>(
  'lock_runs_to_delete',
  (d) => `select id from dag_run where id in (select wanted.id from ${d.rows('$1', 'wanted', { id: 'text' })}) order by id ${d.forUpdate}`,
  (ids) => [ids],
);

function deleteOfTaskInstances(table: (typeof TABLES_OF_TASK_INSTANCE)[number]) {
  return defineStatement<never, [ids: string, endedBefore: number]>(
    `delete_${table}_of_runs`,
    (d) => `
      delete from ${table}
      where task_instance_id in (
        select instance.id
        from ${d.rows('$1', 'wanted', { id: 'text' })}
        join dag_run as run on run.id = wanted.id and run.state in ('success', 'failed') and run.ended_at < $2
        join task_instance as instance on instance.dag_run_id = run.id
      )`,
    (ids, endedBefore) => [ids, endedBefore],
  );
}

function deleteOfRun(table: (typeof TABLES_OF_RUN)[number]) {
  return defineStatement<never, [ids: string, endedBefore: number]>(
    `delete_${table}_of_runs`,
    (d) => `
      delete from ${table}
      where dag_run_id in (
        select run.id
        from ${d.rows('$1', 'wanted', { id: 'text' })}
        join dag_run as run on run.id = wanted.id and run.state in ('success', 'failed') and run.ended_at < $2
      )`,
    (ids, endedBefore) => [ids, endedBefore],
  );
}

const deleteEndedRuns = defineStatement<{ id: string }, [ids: string, endedBefore: number]>(
  'delete_ended_runs',
  (d) => `
    delete from dag_run
    where id in (select wanted.id from ${d.rows('$1', 'wanted', { id: 'text' })}) and state in ('success', 'failed') and ended_at < $2
    returning id`,
  (ids, endedBefore) => [ids, endedBefore],
);

const DELETIONS = [...TABLES_OF_TASK_INSTANCE.map(deleteOfTaskInstances), ...TABLES_OF_RUN.map(deleteOfRun)];
