import { defineStatement, wakeOthers, type Database } from '../database.ts';

/** What became of the wish; `unchanged` where the backfill was that way already. */
export type ChangeBackfillOutcome = 'changed' | 'unchanged' | 'completed' | 'not_found';

/**
 * On → paused, or paused → on: the scheduler makes and starts no runs of a paused backfill; those that run go on.
 *
 * Called by the API and the command line. Locks nothing. Run twice: it is that way already.
 */
export async function setBackfillPaused(database: Database, id: number, isPaused: boolean, now: number): Promise<ChangeBackfillOutcome> {
  const [changed, [backfill]] = await database.batch([updateBackfillPaused(id, isPaused, now), selectBackfillEnd(id), wakeOthers]);
  if (backfill === undefined) return 'not_found';
  if (changed.length > 0) return 'changed';
  return backfill.completedAt === null ? 'unchanged' : 'completed';
}

/**
 * Active → completed, and paused: no further runs are made, those that have not started fail, those that run go on (Airflow's rule).
 *
 * Called by the API and the command line. Run twice: it is completed already.
 */
export async function cancelBackfill(database: Database, id: number, now: number): Promise<Exclude<ChangeBackfillOutcome, 'unchanged'>> {
  const [changed, , [backfill]] = await database.batch([
    completeCancelledBackfill(id, now),
    failQueuedBackfillRuns(id, now),
    selectBackfillEnd(id),
    wakeOthers,
  ]);
  if (backfill === undefined) return 'not_found';
  return changed.length > 0 ? 'changed' : 'completed';
}

const updateBackfillPaused = defineStatement<{ id: number }, [id: number, isPaused: boolean, now: number]>(
  'update_backfill_paused',
  () => `
    update backfill set is_paused = $2, updated_at = $3
    where id = $1 and completed_at is null and is_paused <> $2
    returning id`,
  (id, isPaused, now) => [id, Number(isPaused), now],
);

const completeCancelledBackfill = defineStatement<{ id: number }, [id: number, now: number]>(
  'complete_cancelled_backfill',
  () => `
    update backfill set is_paused = 1, updated_at = $2, completed_at = $2
    where id = $1 and completed_at is null
    returning id`,
  (id, now) => [id, now],
);

/**
 * queued → failed.
 *
 * Comes after `completeCancelledBackfill` in the same transaction, whose row lock keeps the scheduler from making more meanwhile. A run that a scheduler starts at
 * this very moment is running by then and goes on. Run twice: none is queued.
 */
const failQueuedBackfillRuns = defineStatement<{ id: string }, [backfillId: number, now: number]>(
  'fail_queued_backfill_runs',
  () => `
    update dag_run set state = 'failed', ended_at = $2, end_reason = 'backfill_cancelled', revision = revision + 1
    where backfill_id = $1 and state = 'queued'
      and exists (select 1 from backfill where backfill.id = $1 and backfill.completed_at is not null)
    returning id`,
  (backfillId, now) => [backfillId, now],
);

const selectBackfillEnd = defineStatement<{ completedAt: number | null }, [id: number]>(
  'select_backfill_end',
  () => `select completed_at as "completedAt" from backfill where id = $1`,
  (id) => [id],
);
