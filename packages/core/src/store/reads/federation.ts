import { sql } from 'kysely';
import type { Database } from '../database.ts';
import type { InboxStatus, InboxTable, OutboxTable, RunRequestTable, SubscriptionTable } from '../tables.ts';

/**
 * What became of every message of a subscription, counted in messages:
 * `received = ran + batched + pending + unmatched + quarantined + deduplicated`, always. A message that asked for several runs counts once.
 */
export interface SubscriptionBalance {
  readonly name: string;
  readonly received: number;
  /** At least one run was created and none is waited for. */
  readonly ran: number;
  /** A run took it together with a later event, and no run was created for it alone. */
  readonly batched: number;
  /** At least one run is still to be created, for instance because the dag is paused, or because its condition is not complete. */
  readonly pending: number;
  /** It asks for no run: no asset watches for its type, no dag is scheduled on the asset, or it was dropped because the dag was paused. */
  readonly unmatched: number;
  /** It could not be understood, or every run that it asked for was refused. */
  readonly quarantined: number;
  /** It was a message that had been received before. */
  readonly deduplicated: number;
  /** Runs that were refused because the data did not fit the dag's params; not part of the sum, as a message may ask for others too. */
  readonly refused: number;
}

/** Reads the balance of every subscription, in one snapshot. */
export async function subscriptionBalances(database: Database): Promise<readonly SubscriptionBalance[]> {
  const { reads } = database;
  const requests = reads
    .selectFrom(DEMANDS.as('demand'))
    .groupBy('inboxId')
    .select([
      'inboxId',
      sql<number>`sum(case when state = 'pending' then 1 else 0 end)`.as('pending'),
      sql<number>`sum(case when state = 'created' then 1 else 0 end)`.as('created'),
      sql<number>`sum(case when state = 'batched' then 1 else 0 end)`.as('batched'),
      sql<number>`sum(case when state = 'refused' then 1 else 0 end)`.as('refused'),
    ]);
  return reads
    .selectFrom('subscription')
    .leftJoin('inbox', 'inbox.subscription', 'subscription.name')
    .leftJoin(requests.as('request'), 'request.inboxId', 'inbox.id')
    .groupBy('subscription.name')
    .orderBy('subscription.name')
    .select([
      'subscription.name',
      count(sql`case when inbox.id is not null then 1 + inbox.duplicates end`).as('received'),
      count(sql`case when ${isAccepted} and ${hasPending} = 0 and ${hasCreated} > 0 then 1 end`).as('ran'),
      count(sql`case when ${isSettledWithoutRun} and ${hasBatched} > 0 then 1 end`).as('batched'),
      count(sql`case when ${isAccepted} and ${hasPending} > 0 then 1 end`).as('pending'),
      count(
        sql`case when inbox.status = 'unmatched' or (${isSettledWithoutRun} and ${hasBatched} = 0 and ${hasRefused} = 0) then 1 end`,
      ).as('unmatched'),
      count(
        sql`case when inbox.status = 'quarantined' or (${isSettledWithoutRun} and ${hasBatched} = 0 and ${hasRefused} > 0) then 1 end`,
      ).as('quarantined'),
      count(sql`inbox.duplicates`).as('deduplicated'),
      count(sql`request.refused`).as('refused'),
    ])
    .execute();
}

const isAccepted = sql`inbox.status = 'accepted'`;
const hasPending = sql`coalesce(request.pending, 0)`;
const hasCreated = sql`coalesce(request.created, 0)`;
const hasBatched = sql`coalesce(request.batched, 0)`;
const hasRefused = sql`coalesce(request.refused, 0)`;
const isSettledWithoutRun = sql`${isAccepted} and ${hasPending} = 0 and ${hasCreated} = 0`;

/** What each message asked for: runs of its own, and places in the queues of dags, which one run may take together (adr/0012). */
const DEMANDS = sql<{ inboxId: string; state: string }>`(
  select inbox_id, state from run_request where inbox_id is not null
  union all
  select event.inbox_id,
    case when taken.id is null then queued.state
      when taken.state = 'created' and taken.event_key <> queued.event_key then 'batched'
      else taken.state end as state
  from queued_asset_event as queued
  join asset_event as event on event.event_key = queued.event_key and event.inbox_id is not null
  left join run_request as taken on taken.id = queued.run_request_id
)`;

/** PostgreSQL makes `numeric` of a sum of sums, and the driver text of that. */
function count(summed: ReturnType<typeof sql>) {
  return sql<number>`cast(coalesce(sum(${summed}), 0) as bigint)`;
}

/** A subscription as its poller last described it. */
export type SubscriptionRow = SubscriptionTable;

/** Lists all subscriptions, those that no dag watches any more included. */
export function listSubscriptions(database: Database): Promise<readonly SubscriptionRow[]> {
  return database.reads.selectFrom('subscription').selectAll().orderBy('name').execute();
}

/** Which messages a listing shows, newest first. */
export interface InboxFilter {
  /** @default every subscription */
  readonly subscription?: string;
  /** @default every status; `quarantined` is the quarantine */
  readonly status?: InboxStatus;
  /** Id of the last message of the page before. @default from the newest */
  readonly before?: string;
  readonly limit: number;
}

/** A message in a listing: everything but what it carries. */
export type InboxEntry = Omit<InboxTable, 'body' | 'attributes'>;

/** Lists received messages, newest first. Ids sort by time, so the id of the last one is the key of the next page. */
export function listInbox(database: Database, { subscription, status, before, limit }: InboxFilter): Promise<readonly InboxEntry[]> {
  return database.reads
    .selectFrom('inbox')
    .select([
      'id',
      'subscription',
      'dedupeKey',
      'status',
      'reason',
      'messageId',
      'eventId',
      'eventSource',
      'eventType',
      'receivedAt',
      'duplicates',
      'lastDuplicateAt',
    ])
    .$if(subscription !== undefined, (query) => query.where('subscription', '=', subscription ?? ''))
    .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'accepted'))
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? ''))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** A run that a message asked for. */
export interface RequestedRun {
  readonly dagId: string;
  readonly runId: string;
  readonly state: RunRequestTable['state'];
  readonly reason: string | null;
}

/** A message with its body, its attributes and the runs that it asked for. */
export interface InboxMessage extends InboxTable {
  readonly runRequests: readonly RequestedRun[];
}

/** Reads one received message; undefined where there is none with this id. */
export async function findInboxMessage(database: Database, id: string): Promise<InboxMessage | undefined> {
  const [message, runRequests] = await Promise.all([
    database.reads.selectFrom('inbox').selectAll().where('id', '=', id).executeTakeFirst(),
    database.reads.selectFrom('runRequest').select(['dagId', 'runId', 'state', 'reason']).where('inboxId', '=', id).orderBy('id').execute(),
  ]);
  return message === undefined ? undefined : { ...message, runRequests };
}

/** Which events a listing shows, newest first. */
export interface OutboxFilter {
  /** @default both */
  readonly state?: OutboxTable['state'];
  /** Key of the last event of the page before. @default from the newest */
  readonly before?: { readonly createdAt: number; readonly id: string };
  readonly limit: number;
}

/** Lists emitted events, newest first. A pending one with a `lastError` waits for its next attempt, or for somebody. */
export function listOutbox(database: Database, { state, before, limit }: OutboxFilter): Promise<readonly OutboxTable[]> {
  return database.reads
    .selectFrom('outbox')
    .selectAll()
    .$if(state !== undefined, (query) => query.where('state', '=', state ?? 'pending'))
    .$if(before !== undefined, (query) =>
      query.where((is) => is(is.refTuple('createdAt', 'id'), '<', is.tuple(before?.createdAt ?? 0, before?.id ?? ''))),
    )
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** How much has not reached the broker yet. */
export interface OutboxBacklog {
  readonly pending: number;
  /** Those of them whose last attempt did not work. */
  readonly failing: number;
  /** When the oldest was emitted; null where nothing is pending. */
  readonly oldestCreatedAt: number | null;
}

/** Reads the backlog of the outbox. */
export function outboxBacklog(database: Database): Promise<OutboxBacklog> {
  return database.reads
    .selectFrom('outbox')
    .where('state', '=', 'pending')
    .select(({ fn }) => [
      fn.countAll<number>().as('pending'),
      fn.count<number>('lastError').as('failing'),
      fn.min<number | null>('createdAt').as('oldestCreatedAt'),
    ])
    .executeTakeFirstOrThrow();
}
