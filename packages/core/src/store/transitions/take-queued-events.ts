import { defineStatement } from '../database.ts';

/** A queue about which something is to be decided. */
export interface DecidableQueue {
  readonly dagId: string;
  readonly dagVersionId: string;
  /** JSON of the protocol's SerializedDag. */
  readonly serialized: string;
  readonly lastPosition: number;
  readonly decidedPosition: number;
  readonly revision: number;
}

/** The queues with events that nobody has looked at, or whose batch closes: of dags that are on, the longest waiting first. */
export const selectDecidableQueues = defineStatement<DecidableQueue, [now: number, most: number]>(
  'select_decidable_asset_queues',
  () => `
    select queue.dag_id as "dagId", dag.dag_version_id as "dagVersionId", version.serialized as serialized,
      queue.last_position as "lastPosition", queue.decided_position as "decidedPosition", queue.revision as revision
    from asset_queue as queue
    join dag on dag.dag_id = queue.dag_id and dag.is_paused = 0 and dag.is_stale = 0
    join dag_version as version on version.id = dag.dag_version_id
    where queue.is_collecting = 1 and (queue.last_position > queue.decided_position or queue.due_at <= $1)
    order by queue.last_queued_at, queue.dag_id
    limit $2`,
  (now, most) => [now, most],
);

/** When the next batch of a dag that is on closes; null where none is open. */
export const selectNextBatchDueAt = defineStatement<{ at: number | null }, []>(
  'select_next_batch_due_at',
  () => `
    select min(queue.due_at) as at
    from asset_queue as queue join dag on dag.dag_id = queue.dag_id and dag.is_paused = 0 and dag.is_stale = 0
    where queue.is_collecting = 1`,
  () => [],
);

/** How much is read of a queue. */
export interface QueueExtent {
  readonly dagId: string;
  /** The last place that is read. */
  readonly toPosition: number;
  /** Of the events up to here only the oldest `mostOfAsset` of each asset are read. */
  readonly decidedPosition: number;
  readonly mostOfAsset: number;
}

/** An event that waits. */
export interface WaitingEvent {
  readonly dagId: string;
  readonly position: number;
  readonly eventKey: string;
  readonly queuedAt: number;
  readonly name: string;
  readonly uri: string;
  /** JSON list of text. */
  readonly aliases: string;
}

/** The events that wait in these queues, in order. */
export const selectWaitingEvents = defineStatement<WaitingEvent, [extents: readonly QueueExtent[]]>(
  'select_waiting_asset_events',
  (d) => `
    select waiting.dag_id as "dagId", waiting.position as position, waiting.event_key as "eventKey", waiting.queued_at as "queuedAt",
      asset.name as name, asset.uri as uri,
      coalesce((
        select ${d.dialect === 'sqlite' ? 'json_group_array(alias.name)' : 'json_agg(alias.name)::text'}
        from asset_alias_asset as link join asset_alias as alias on alias.id = link.asset_alias_id
        where link.asset_id = asset.id
      ), '[]') as aliases
    from (
      select queued.*, given.decided_position as decided_position, given.most_of_asset as most_of_asset,
        row_number() over (partition by queued.dag_id, queued.asset_id order by queued.position) as place
      from ${d.rows('$1', 'given', { dag_id: 'text', to_position: 'bigint', decided_position: 'bigint', most_of_asset: 'bigint' })}
      join queued_asset_event as queued on queued.dag_id = given.dag_id and queued.state = 'pending' and queued.position <= given.to_position
    ) as waiting
    join asset on asset.id = waiting.asset_id
    where waiting.position > waiting.decided_position or waiting.place <= waiting.most_of_asset
    order by waiting.dag_id, waiting.position`,
  (extents) => [
    JSON.stringify(
      extents.map(({ dagId, toPosition, decidedPosition, mostOfAsset }) => ({
        dag_id: dagId,
        to_position: toPosition,
        decided_position: decidedPosition,
        most_of_asset: mostOfAsset,
      })),
    ),
  ],
);

/** What events carry, as JSON text. */
export const selectEventExtras = defineStatement<{ eventKey: string; extra: string }, [eventKeys: readonly string[]]>(
  'select_asset_event_extras',
  (d) => `
    select event.event_key as "eventKey", event.extra as extra
    from ${d.rows('$1', 'wanted', { event_key: 'text' })}
    join asset_event as event on event.event_key = wanted.event_key`,
  (eventKeys) => [JSON.stringify(eventKeys.map((eventKey) => ({ event_key: eventKey })))],
);

/** What was decided about a queue. */
export interface QueueDecision {
  readonly dagId: string;
  /** What the decision was made from. */
  readonly revision: number;
  readonly dagVersionId: string;
  readonly decidedPosition: number;
  /** When the open batch closes. */
  readonly nextDueAt: number | null;
  /** The end of the last batch that closed: events that come after the commit belong behind it. */
  readonly closedAt: number;
  /** Set where time alone closed a batch: the last event that was known. One that has come since may belong to that batch, so nothing is written then. */
  readonly lastKnownPosition: number | null;
  readonly runs: readonly DecidedRunRequest[];
  /** Places of events that nobody will take. */
  readonly unwanted: readonly number[];
}

/** A run that takes events from a queue. */
export interface DecidedRunRequest {
  readonly id: string;
  readonly runId: string;
  /** The newest of the events. */
  readonly eventKey: string;
  readonly positions: readonly number[];
  /** JSON object. */
  readonly conf: string;
  readonly state: 'pending' | 'refused';
  readonly reason: string | null;
  readonly requestedAt: number;
}

/**
 * pending → consumed, with the request of the run that takes the events; or dropped, where the schedule does not ask for them.
 *
 * Called by every scheduler, whenever events were queued and when a batch closes. Locks the queues in the order of the dags' ids. A decision is written only where the
 * queue has the revision and the dag the version that it was made from, and where the dag is still on; of two schedulers that decided the same, one writes. Events that
 * were queued meanwhile lie behind the decision and change nothing about it, unless it closed a batch by the clock. Run twice: the revision is another.
 *
 * @param claim names the transaction; unique for ever
 * @returns statements for one transaction; the second returns the dags whose decisions were written, the fourth the requests
 */
export function takeQueuedEvents(claim: string, decisions: readonly QueueDecision[]) {
  return [
    lockQueues(decisions),
    claimQueues(claim, decisions),
    markQueuedEvents(claim, decisions),
    insertRunRequests(claim, decisions),
    releaseQueues(claim),
  ] as const;
}

const lockQueues = defineStatement<never, [decisions: readonly QueueDecision[]]>(
  'lock_decided_asset_queues',
  (d) => `
    select dag_id from asset_queue
    where dag_id in (select given.dag_id from ${d.rows('$1', 'given', { dag_id: 'text' })})
    order by dag_id ${d.forUpdate}`,
  (decisions) => [JSON.stringify(decisions.map(({ dagId }) => ({ dag_id: dagId })))],
);

const claimQueues = defineStatement<{ dagId: string }, [claim: string, decisions: readonly QueueDecision[]]>(
  'claim_asset_queues',
  (d) => `
    update asset_queue
    set claim = $1, revision = asset_queue.revision + 1, decided_position = given.decided_position, due_at = given.due_at,
      last_queued_at = case when asset_queue.last_queued_at > given.closed_at then asset_queue.last_queued_at else given.closed_at end
    from ${d.rows('$2', 'given', {
      dag_id: 'text',
      revision: 'bigint',
      dag_version_id: 'text',
      decided_position: 'bigint',
      due_at: 'bigint',
      closed_at: 'bigint',
      last_known: 'bigint',
    })}
    join dag on dag.dag_id = given.dag_id and dag.dag_version_id = given.dag_version_id and dag.is_paused = 0 and dag.is_stale = 0
    where asset_queue.dag_id = given.dag_id and asset_queue.revision = given.revision and asset_queue.is_collecting = 1
      and (given.last_known is null or given.last_known = asset_queue.last_position)
    returning asset_queue.dag_id as "dagId"`,
  (claim, decisions) => [
    claim,
    JSON.stringify(
      decisions.map(({ dagId, revision, dagVersionId, decidedPosition, nextDueAt, closedAt, lastKnownPosition }) => ({
        dag_id: dagId,
        revision,
        dag_version_id: dagVersionId,
        decided_position: decidedPosition,
        due_at: nextDueAt,
        closed_at: closedAt,
        last_known: lastKnownPosition,
      })),
    ),
  ],
);

const markQueuedEvents = defineStatement<never, [claim: string, decisions: readonly QueueDecision[]]>(
  'mark_queued_asset_events',
  (d) => `
    update queued_asset_event
    set state = given.state, run_request_id = given.run_request_id
    from ${d.rows('$2', 'given', { dag_id: 'text', position: 'bigint', state: 'text', run_request_id: 'text' })}
    join asset_queue as queue on queue.dag_id = given.dag_id and queue.claim = $1
    where queued_asset_event.dag_id = given.dag_id and queued_asset_event.position = given.position and queued_asset_event.state = 'pending'`,
  (claim, decisions) => [claim, JSON.stringify(decisions.flatMap(marksOf))],
);

function marksOf({ dagId, runs, unwanted }: QueueDecision) {
  return [
    ...runs.flatMap(({ id, positions }) =>
      positions.map((position) => ({ dag_id: dagId, position, state: 'consumed', run_request_id: id })),
    ),
    ...unwanted.map((position) => ({ dag_id: dagId, position, state: 'dropped', run_request_id: null })),
  ];
}

const insertRunRequests = defineStatement<{ id: string; state: string }, [claim: string, decisions: readonly QueueDecision[]]>(
  'insert_decided_run_requests',
  (d) => `
    insert into run_request (id, dag_id, run_id, event_key, conf, state, reason, requested_at)
    select wanted.id, wanted.dag_id, wanted.run_id, wanted.event_key, wanted.conf, wanted.state, wanted.reason, wanted.requested_at
    from ${d.rows('$2', 'wanted', {
      id: 'text',
      dag_id: 'text',
      run_id: 'text',
      event_key: 'text',
      conf: 'text',
      state: 'text',
      reason: 'text',
      requested_at: 'bigint',
    })}
    join asset_queue as queue on queue.dag_id = wanted.dag_id and queue.claim = $1
    where true
    on conflict (dag_id, run_id) do nothing
    returning id as id, state as state`,
  (claim, decisions) => [
    claim,
    JSON.stringify(
      decisions.flatMap(({ dagId, runs }) =>
        runs.map(({ id, runId, eventKey, conf, state, reason, requestedAt }) => ({
          id,
          dag_id: dagId,
          run_id: runId,
          event_key: eventKey,
          conf,
          state,
          reason,
          requested_at: requestedAt,
        })),
      ),
    ),
  ],
);

const releaseQueues = defineStatement<never, [claim: string]>(
  'release_asset_queues',
  () => `update asset_queue set claim = null where claim = $1`,
  (claim) => [claim],
);
