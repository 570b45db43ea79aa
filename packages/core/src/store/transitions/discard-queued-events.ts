import { defineStatement, type Database } from '../database.ts';
import type { QueuedEventFilter } from '../reads/queued-events.ts';
import { storableText } from '../storable-text.ts';

/** Which events are to be discarded, and by whom. */
export interface DiscardedEvents extends QueuedEventFilter {
  /** The dags that the caller may change; `all` for every one. */
  readonly dagIds: 'all' | readonly string[];
  readonly username: string;
}

/**
 * pending → dropped, for events that wait in queues, and pending → dropped, for requests of runs that wait because their dag is paused.
 *
 * Called by the API. Locks the queues in the order of the dags' ids and raises their revisions, so that a scheduler which has just decided about one decides anew. Run twice:
 * nothing is pending any more.
 * @returns how many events were discarded
 */
export async function discardQueuedEvents(database: Database, discarded: DiscardedEvents): Promise<number> {
  const [, , events, requests] = await database.batch([
    lockQueues(discarded),
    raiseRevisions(discarded),
    dropEvents(discarded),
    dropRequests(discarded),
  ]);
  return events.length + requests.length;
}

const lockQueues = defineStatement<never, [discarded: DiscardedEvents]>(
  'lock_asset_queues_to_discard',
  (d) => `select dag_id from asset_queue where cast($1 as text) is null or dag_id = $1 order by dag_id ${d.forUpdate}`,
  ({ dagId }) => [dagId ?? null],
);

const raiseRevisions = defineStatement<never, [discarded: DiscardedEvents]>(
  'raise_revisions_of_asset_queues',
  () => `update asset_queue set revision = revision + 1 where cast($1 as text) is null or dag_id = $1`,
  ({ dagId }) => [dagId ?? null],
);

const dropEvents = defineStatement<{ eventKey: string }, [discarded: DiscardedEvents]>(
  'discard_queued_asset_events',
  (d) => `
    update queued_asset_event
    set state = 'dropped'
    where state = 'pending'
      and (cast($1 as text) is null or dag_id = $1)
      and (cast($2 as bigint) is null or asset_id = $2)
      and (cast($3 as bigint) is null or queued_at < $3)
      and (cast($4 as text) is null or dag_id in (select allowed.dag_id from ${d.rows('$4', 'allowed', { dag_id: 'text' })}))
    returning event_key as "eventKey"`,
  valuesOf,
);

const dropRequests = defineStatement<{ id: string }, [discarded: DiscardedEvents]>(
  'discard_run_requests',
  (d) => `
    update run_request
    set state = 'dropped', reason = $5
    where state = 'pending'
      and not exists (select 1 from queued_asset_event as taken where taken.run_request_id = run_request.id)
      and (cast($1 as text) is null or dag_id = $1)
      and (cast($2 as bigint) is null or event_key in (select event.event_key from asset_event as event where event.asset_id = $2))
      and (cast($3 as bigint) is null or requested_at < $3)
      and (cast($4 as text) is null or dag_id in (select allowed.dag_id from ${d.rows('$4', 'allowed', { dag_id: 'text' })}))
    returning id as id`,
  (discarded) => [...valuesOf(discarded), storableText(`discarded by ${discarded.username}`)],
);

function valuesOf({ dagId, assetId, before, dagIds }: DiscardedEvents): [string | null, number | null, number | null, string | null] {
  const allowed = dagIds === 'all' ? null : JSON.stringify(dagIds.map((id) => ({ dag_id: id })));
  return [dagId ?? null, assetId ?? null, before ?? null, allowed];
}
