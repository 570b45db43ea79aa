import { defineStatement, wakeOthers, type Database } from '../database.ts';
import { isUsed } from '../scheduled-on.ts';
import { queueAssetEvents } from './queue-asset-events.ts';
import { requestRuns, type EmittedRunRequest } from './record-emitted-events.ts';

/** An event of an asset that somebody reports by hand, and the runs that it asks for. */
export interface ReportedEvent {
  /** Unique; the same key is the same event. */
  readonly eventKey: string;
  readonly assetId: number;
  /** JSON object. */
  readonly extra: string;
  readonly runRequests: readonly Omit<EmittedRunRequest, 'eventKey'>[];
  /** JSON of the protocol's CloudEvent, which leaves the environment where the asset is published. */
  readonly envelope: string;
}

/** What became of the report; `unknown_asset` also where no dag uses the asset any more. */
export interface CreatedAssetEvent {
  readonly outcome: 'created' | 'unknown_asset';
  /** Whether a message waits in the outbox. */
  readonly isPublished: boolean;
}

/**
 * (absent) → recorded, with what follows from it as for an event that a task emits: one run request for each dag that is scheduled on the asset, or a place in that
 * dag's queue, and a message in the outbox where the asset is published.
 *
 * Called by the API. Locks the queues that the event goes to. Run twice with the same key: the second changes nothing.
 * @returns `unknown_asset` where there is no such asset in use, or the event was recorded before
 */
export async function createAssetEvent(database: Database, event: ReportedEvent, now: number): Promise<CreatedAssetEvent> {
  const requests = event.runRequests.map((request) => ({ ...request, eventKey: event.eventKey }));
  const [created, outgoing] = await database.batch([
    insertAssetEvent(event, now),
    publishAssetEvent(event, now),
    requestRuns(now, requests),
    ...queueAssetEvents(now, [{ eventKey: event.eventKey }]),
    wakeOthers,
  ]);
  return { outcome: created.length > 0 ? 'created' : 'unknown_asset', isPublished: outgoing.length > 0 };
}

const insertAssetEvent = defineStatement<{ eventKey: string }, [event: ReportedEvent, now: number]>(
  'insert_reported_asset_event',
  () => `
    insert into asset_event (event_key, asset_id, extra, occurred_at)
    select $1, asset.id, $2, $3
    from asset
    where asset.id = $4 and ${isUsed('asset.id')}
    on conflict (event_key) do nothing
    returning event_key as "eventKey"`,
  ({ eventKey, extra, assetId }, now) => [eventKey, extra, now, assetId],
);

/** (absent) → pending, where the asset is published now. The message exists exactly where the event does. */
const publishAssetEvent = defineStatement<{ id: string }, [event: ReportedEvent, now: number]>(
  'publish_reported_asset_event',
  () => `
    insert into outbox (id, asset_name, target, envelope, state, created_at, next_attempt_at)
    select event.event_key, asset.name, asset.publish, $2, 'pending', $3, $3
    from asset_event as event join asset on asset.id = event.asset_id and asset.publish is not null
    where event.event_key = $1
    on conflict (id) do nothing
    returning id`,
  ({ eventKey, envelope }, now) => [eventKey, envelope, now],
);
