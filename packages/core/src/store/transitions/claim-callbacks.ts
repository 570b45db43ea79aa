import { defineStatement } from '../database.ts';

/** A callback request that the caller is to carry out. */
export interface ClaimedCallback {
  readonly id: string;
  readonly scope: 'task' | 'dag' | 'deadline';
  readonly kind: string;
  readonly dagId: string;
  readonly runId: string | null;
  readonly taskId: string | null;
  readonly mapIndex: number;
  readonly tryNumber: number | null;
  /** JSON of the protocol's CallbackContext. */
  readonly context: string;
  readonly bundleVersion: string;
  readonly file: string;
  /** How often it was handed to a process before. */
  readonly attempts: number;
}

/**
 * queued | running → pending, for the requests of triggerers whose job has ended.
 *
 * Comes before `claimCallbacks` in the same transaction, after `endExpiredJobs`. Whether the callback had been called is not known, so it is called again. Run twice: they are pending.
 */
export const returnOrphanedCallbacks = defineStatement<{ id: string }, []>(
  'return_orphaned_callbacks',
  () => `
    update callback_request
    set state = 'pending', triggerer_term = null
    where state in ('queued', 'running')
      and exists (select 1 from job where job.id = callback_request.triggerer_term and job.ended_at is not null)
    returning id`,
  () => [],
);

/**
 * scheduled | pending → queued, by a triggerer.
 *
 * Called by a triggerer that has room. Takes the oldest and passes over rows that another one is claiming. Run twice: the next ones are taken.
 */
export const claimCallbacks = defineStatement<ClaimedCallback, [term: number, most: number]>(
  'claim_callbacks',
  (d) => `
    with free as materialized (
      select id from callback_request
      where state in ('scheduled', 'pending')
      order by created_at, id
      limit $2 ${d.forUpdateSkipLocked}
    )
    update callback_request
    set state = 'queued', triggerer_term = $1
    from free
    where callback_request.id = free.id and callback_request.state in ('scheduled', 'pending')
    returning callback_request.id as id, callback_request.scope as scope, callback_request.kind as kind, callback_request.dag_id as "dagId",
      callback_request.run_id as "runId", callback_request.task_id as "taskId", callback_request.map_index as "mapIndex",
      callback_request.try_number as "tryNumber", callback_request.context as context, callback_request.bundle_version as "bundleVersion",
      callback_request.file as file, callback_request.attempts as attempts`,
  (term, most) => [term, most],
);

/** The open requests that a triggerer holds, as the database has them: those it does not know are answers that were lost. */
export const selectCallbacksOf = defineStatement<{ id: string }, [term: number]>(
  'select_callbacks_of_term',
  () => `select id as id from callback_request where triggerer_term = $1 and state in ('queued', 'running')`,
  (term) => [term],
);
