import { defineStatement } from '../database.ts';

/**
 * pending → refused, for requests of dags that are gone, and pending → dropped, for the events that wait in their queues.
 *
 * Called by every scheduler in each round of recovery. A file that moves takes its dags along, so a dag counts as gone when it was seen stale at `noticedBefore` or
 * earlier and still is; one whose row was deleted, at once. Locks the rows that it changes. Run twice: nothing is pending any more.
 *
 * @returns statements for one transaction; the second returns the requests that were refused
 */
export function refuseOrphanedRequests(now: number, noticedBefore: number) {
  return [noteStaleDags(now), refuseRequests(noticedBefore), dropQueuedEvents(noticedBefore)] as const;
}

const noteStaleDags = defineStatement<never, [now: number]>(
  'note_stale_dags',
  () => `
    update dag
    set stale_at = case when is_stale = 1 then cast($1 as bigint) end
    where is_stale = 1 and stale_at is null or is_stale = 0 and stale_at is not null`,
  (now) => [now],
);

const refuseRequests = defineStatement<{ id: string; dagId: string; runId: string }, [noticedBefore: number]>(
  'refuse_orphaned_run_requests',
  () => `
    update run_request
    set state = 'refused', reason = 'the dag is gone: no dag file defines "' || dag_id || '" any more'
    where state = 'pending'
      and not exists (
        select 1 from dag where dag.dag_id = run_request.dag_id and (dag.is_stale = 0 or dag.stale_at is null or dag.stale_at > $1)
      )
    returning id as id, dag_id as "dagId", run_id as "runId"`,
  (noticedBefore) => [noticedBefore],
);

const dropQueuedEvents = defineStatement<never, [noticedBefore: number]>(
  'drop_orphaned_queued_asset_events',
  () => `
    update queued_asset_event
    set state = 'dropped'
    where state = 'pending'
      and not exists (
        select 1 from dag
        where dag.dag_id = queued_asset_event.dag_id and (dag.is_stale = 0 or dag.stale_at is null or dag.stale_at > $1)
      )`,
  (noticedBefore) => [noticedBefore],
);
