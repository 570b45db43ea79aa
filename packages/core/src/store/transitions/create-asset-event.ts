import { defineStatement, type Database } from '../database.ts';
import { requestRuns, type EmittedRunRequest } from './record-emitted-events.ts';

/** An event of an asset that somebody reports by hand, and the runs that it asks for. */
export interface ReportedEvent {
  /** Unique; the same key is the same event. */
  readonly eventKey: string;
  readonly assetId: number;
  /** JSON object. */
  readonly extra: string;
  readonly runRequests: readonly Omit<EmittedRunRequest, 'eventKey'>[];
}

/**
 * (absent) → recorded, with one run request for each dag that is scheduled on the asset, as for an event that a task emits.
 *
 * Called by the API. Locks nothing. Run twice with the same key: the second changes nothing.
 * @returns `unknown_asset` where there is no such asset, or the event was recorded before
 */
export async function createAssetEvent(
  database: Database,
  event: ReportedEvent,
  now: number,
): Promise<{ readonly outcome: 'created' | 'unknown_asset' }> {
  const requests = event.runRequests.map((request) => ({ ...request, eventKey: event.eventKey }));
  const [created] = await database.batch([insertAssetEvent(event, now), requestRuns(now, requests)]);
  return { outcome: created.length > 0 ? 'created' : 'unknown_asset' };
}

const insertAssetEvent = defineStatement<{ eventKey: string }, [event: ReportedEvent, now: number]>(
  'insert_reported_asset_event',
  () => `
    insert into asset_event (event_key, asset_id, extra, occurred_at)
    select $1, asset.id, $2, $3
    from asset
    where asset.id = $4
    on conflict (event_key) do nothing
    returning event_key as "eventKey"`,
  ({ eventKey, extra, assetId }, now) => [eventKey, extra, now, assetId],
);
