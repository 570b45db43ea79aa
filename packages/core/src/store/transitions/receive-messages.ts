import { defineStatement, wakeOthers, type Statement } from '../database.ts';
import type { InboxStatus } from '../tables.ts';
import { queueAssetEvents } from './queue-asset-events.ts';
import { REQUEST_STATE, TAKEN_AT_ONCE } from './record-emitted-events.ts';

/** A received message and everything that follows from it, as the consumer decided. Texts are storable (no NUL). */
export interface Receipt {
  readonly id: string;
  readonly subscription: string;
  readonly dedupeKey: string;
  readonly status: InboxStatus;
  readonly reason: string | null;
  readonly messageId: string;
  readonly body: string;
  /** JSON record of text. */
  readonly attributes: string;
  readonly eventId: string | null;
  readonly eventSource: string | null;
  readonly eventType: string | null;
  readonly receivedAt: number;
  /** How many more messages with the same key came in the same delivery. */
  readonly duplicates: number;
  readonly assetEvents: readonly ReceivedAssetEvent[];
  readonly runRequests: readonly ReceivedRunRequest[];
}

/** An asset that the message is an event of. */
export interface ReceivedAssetEvent {
  readonly eventKey: string;
  readonly assetId: number;
  /** JSON text. */
  readonly extra: string;
  readonly occurredAt: number;
}

/** A run that the message asks for, or asked for in vain. */
export interface ReceivedRunRequest {
  readonly id: string;
  readonly dagId: string;
  readonly runId: string;
  readonly eventKey: string;
  /** JSON text. */
  readonly conf: string;
  readonly state: 'pending' | 'refused';
  readonly reason: string | null;
}

/**
 * (absent) → accepted | unmatched | quarantined, with the asset events and run requests that follow, or one more duplicate of what is there.
 *
 * Called by the consumer with the messages of one delivery, each dedupe key once; the broker is told only after the commit (adr/0008). Locks the inbox rows by
 * dedupe key, then the subscription. The unique key decides between consumers that race: the loser finds no inbox row with its own id, so
 * nothing follows from its copy. Run twice with the same receipts (a commit whose outcome was unknown): the second changes nothing.
 *
 * @returns statements for one transaction; the third returns the requests that were made, the fifth the queues that the events went to
 */
export function receiveMessages(receipts: readonly Receipt[]) {
  const events = receipts.flatMap(({ id, assetEvents }) => assetEvents.map(({ eventKey }) => ({ eventKey, inboxId: id })));
  return [
    insertInbox(receipts),
    insertAssetEvents(receipts),
    insertRunRequests(receipts),
    ...queueAssetEvents(Math.max(0, ...receipts.map(({ receivedAt }) => receivedAt)), events),
    touchSubscriptions(receipts),
    wakeOthers,
  ] as const;
}

const insertInbox = defineStatement<{ id: string; dedupeKey: string }, [receipts: readonly Receipt[]]>(
  'insert_inbox',
  (d) => `
    insert into inbox
      (id, subscription, dedupe_key, status, reason, message_id, body, attributes, event_id, event_source, event_type, received_at,
        duplicates, last_duplicate_at)
    select received.id, received.subscription, received.dedupe_key, received.status, received.reason, received.message_id, received.body,
      received.attributes, received.event_id, received.event_source, received.event_type, received.received_at, received.duplicates,
      case when received.duplicates > 0 then received.received_at end
    from ${d.rows('$1', 'received', {
      id: 'text',
      subscription: 'text',
      dedupe_key: 'text',
      status: 'text',
      reason: 'text',
      message_id: 'text',
      body: 'text',
      attributes: 'text',
      event_id: 'text',
      event_source: 'text',
      event_type: 'text',
      received_at: 'bigint',
      duplicates: 'bigint',
    })}
    where true
    on conflict (subscription, dedupe_key) do update set
      duplicates = case when inbox.id = excluded.id then inbox.duplicates else inbox.duplicates + excluded.duplicates + 1 end,
      last_duplicate_at = case when inbox.id = excluded.id then inbox.last_duplicate_at else excluded.received_at end
    returning id as id, dedupe_key as "dedupeKey"`,
  (receipts) => [
    JSON.stringify(
      receipts
        .map((receipt) => ({
          id: receipt.id,
          subscription: receipt.subscription,
          dedupe_key: receipt.dedupeKey,
          status: receipt.status,
          reason: receipt.reason,
          message_id: receipt.messageId,
          body: receipt.body,
          attributes: receipt.attributes,
          event_id: receipt.eventId,
          event_source: receipt.eventSource,
          event_type: receipt.eventType,
          received_at: receipt.receivedAt,
          duplicates: receipt.duplicates,
        }))
        // Two consumers that hold the same messages lock them in the same order.
        .toSorted((a, b) => (a.dedupe_key < b.dedupe_key ? -1 : 1)),
    ),
  ],
);

const insertAssetEvents = defineStatement<never, [receipts: readonly Receipt[]]>(
  'insert_received_asset_events',
  (d) => `
    insert into asset_event (event_key, asset_id, extra, occurred_at, inbox_id)
    select happened.event_key, happened.asset_id, happened.extra, happened.occurred_at, inbox.id
    from ${d.rows('$1', 'happened', {
      event_key: 'text',
      asset_id: 'bigint',
      extra: 'text',
      occurred_at: 'bigint',
      inbox_id: 'text',
      place: 'bigint',
    })}
    join inbox on inbox.id = happened.inbox_id
    where true
    order by happened.place
    on conflict (event_key) do nothing`,
  (receipts) => [
    JSON.stringify(
      receipts.flatMap(({ id, assetEvents }, receipt) =>
        assetEvents.map(({ eventKey, assetId, extra, occurredAt }) => ({
          place: receipt,
          event_key: eventKey,
          asset_id: assetId,
          extra,
          occurred_at: occurredAt,
          inbox_id: id,
        })),
      ),
    ),
  ],
);

const insertRunRequests = defineStatement<{ id: string; state: 'pending' | 'refused' }, [receipts: readonly Receipt[]]>(
  'insert_received_run_requests',
  (d) => `
    insert into run_request (id, dag_id, run_id, event_key, inbox_id, conf, state, reason, requested_at)
    select wanted.id, wanted.dag_id, wanted.run_id, wanted.event_key, inbox.id, wanted.conf, ${REQUEST_STATE},
      wanted.requested_at
    from ${d.rows('$1', 'wanted', {
      id: 'text',
      dag_id: 'text',
      run_id: 'text',
      event_key: 'text',
      inbox_id: 'text',
      conf: 'text',
      state: 'text',
      reason: 'text',
      requested_at: 'bigint',
    })}
    join inbox on inbox.id = wanted.inbox_id
    ${TAKEN_AT_ONCE}
    on conflict (dag_id, run_id) do nothing
    returning id as id, state as state`,
  (receipts) => [
    JSON.stringify(
      receipts.flatMap(({ id: inboxId, receivedAt, runRequests }) =>
        runRequests.map(({ id, dagId, runId, eventKey, conf, state, reason }) => ({
          id,
          dag_id: dagId,
          run_id: runId,
          event_key: eventKey,
          inbox_id: inboxId,
          conf,
          state,
          reason,
          requested_at: receivedAt,
        })),
      ),
    ),
  ],
);

const touchSubscriptions: (receipts: readonly Receipt[]) => Statement<never> = defineStatement<never, [receipts: readonly Receipt[]]>(
  'touch_subscriptions',
  (d) => `
    update subscription
    set last_message_at = received.received_at, last_poll_at = received.received_at
    from ${d.rows('$1', 'received', { subscription: 'text', received_at: 'bigint' })}
    where subscription.name = received.subscription`,
  (receipts) => [
    JSON.stringify(
      [...new Map(receipts.map(({ subscription, receivedAt }) => [subscription, receivedAt]))].map(([subscription, receivedAt]) => ({
        subscription,
        received_at: receivedAt,
      })),
    ),
  ],
);
