import { defineStatement, type SqlDialect, type Statement } from '../database.ts';
import { SCHEDULED_ON } from '../scheduled-on.ts';

/** An event that was recorded earlier in the same transaction. */
export interface RecordedEvent {
  readonly eventKey: string;
  /** The message that it came with: the event then counts only where this very message brought it. */
  readonly inboxId?: string;
}

/** What is stored as the reason of a request or shown for an event that came while its dag was paused. */
export const DROPPED_REASON = 'the dag was paused, and its schedule drops events that come then';

/**
 * (absent) → pending, or dropped where the dag is paused and its schedule says so: one place in the queue of each dag that collects events of the asset.
 *
 * The last statements about events in every transaction that records some; the second returns the dags that have one more event waiting. Locks the queues of those
 * dags in the order of their ids until the commit, so that the places of a queue are in the order of the commits and whoever reads a place has read every one before
 * it: what becomes of the events is then the same whoever looks, and when (adr/0012). Run twice: an event has one place in a queue.
 */
export function queueAssetEvents(now: number, events: readonly RecordedEvent[]) {
  const rows = JSON.stringify(events.map(({ eventKey, inboxId = null }) => ({ event_key: eventKey, inbox_id: inboxId })));
  return [lockQueues(rows), insertQueuedEvents(now, rows), advanceQueues(rows)] as const;
}

function freshEvents(d: SqlDialect, placeholder: string): string {
  return `
      select scheduled.dag_id, event.id as event_id, event.event_key, event.asset_id
      from ${d.rows(placeholder, 'given', { event_key: 'text', inbox_id: 'text' })}
      join asset_event as event on event.event_key = given.event_key and (given.inbox_id is null or event.inbox_id = given.inbox_id)
      join (${SCHEDULED_ON}) as scheduled on scheduled.asset_id = event.asset_id`;
}

const lockQueues = defineStatement<never, [rows: string]>(
  'lock_asset_queues_of_events',
  (d) => `
    select dag_id from asset_queue
    where is_collecting = 1 and dag_id in (select fresh.dag_id from (${freshEvents(d, '$1')}) as fresh)
    order by dag_id ${d.forUpdate}`,
  (rows) => [rows],
);

const insertQueuedEvents: (now: number, rows: string) => Statement<{ dagId: string; state: string }> = defineStatement<
  { dagId: string; state: string },
  [now: number, rows: string]
>(
  'insert_queued_asset_events',
  (d) => `
    insert into queued_asset_event (dag_id, position, event_key, asset_id, queued_at, state)
    select fresh.dag_id, queue.last_position + row_number() over (partition by fresh.dag_id order by fresh.event_id),
      fresh.event_key, fresh.asset_id,
      case when queue.last_queued_at > cast($1 as bigint) then queue.last_queued_at else cast($1 as bigint) end,
      case when queue.drops_while_paused = 1 and dag.is_paused = 1 then 'dropped' else 'pending' end
    from (${freshEvents(d, '$2')}) as fresh
    join dag on dag.dag_id = fresh.dag_id and dag.is_stale = 0
    join asset_queue as queue on queue.dag_id = fresh.dag_id and queue.is_collecting = 1
    where not exists (
      select 1 from queued_asset_event as known where known.dag_id = fresh.dag_id and known.event_key = fresh.event_key
    )
    returning dag_id as "dagId", state as state`,
  (now, rows) => [now, rows],
);

const advanceQueues = defineStatement<never, [rows: string]>(
  'advance_asset_queues',
  (d) => `
    update asset_queue
    set last_position = newest.position, last_queued_at = newest.queued_at
    from (
      select queued.dag_id, max(queued.position) as position, max(queued.queued_at) as queued_at
      from ${d.rows('$1', 'given', { event_key: 'text', inbox_id: 'text' })}
      join queued_asset_event as queued on queued.event_key = given.event_key
      group by queued.dag_id
    ) as newest
    where asset_queue.dag_id = newest.dag_id and asset_queue.last_position < newest.position`,
  (rows) => [rows],
);
