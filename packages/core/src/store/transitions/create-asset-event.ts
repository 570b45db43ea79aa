import { defineStatement, type Database } from '../database.ts';

/** An event of an asset that somebody reports by hand, and the runs that it asks for. */
export interface NewAssetEvent {
  /** Unique; the same key is the same event. */
  readonly eventKey: string;
  readonly assetId: number;
  /** JSON object. */
  readonly extra: string;
  readonly runRequests: readonly NewRunRequest[];
}

/** A run that the event asks for, or asks for in vain. */
export interface NewRunRequest {
  readonly id: string;
  readonly dagId: string;
  readonly runId: string;
  /** JSON object. */
  readonly conf: string;
  readonly state: 'pending' | 'refused';
  readonly reason: string | null;
}

/**
 * (absent) → recorded, with one run request for each dag that is scheduled on the asset.
 *
 * Called by the API. Locks nothing. Run twice with the same key: the second changes nothing.
 * @returns `unknown_asset` where there is no such asset, or the event was recorded before
 */
export async function createAssetEvent(
  database: Database,
  event: NewAssetEvent,
  now: number,
): Promise<{ readonly outcome: 'created' | 'unknown_asset' }> {
  const [created] = await database.batch([insertAssetEvent(event, now), insertRunRequests(event, now)]);
  return { outcome: created.length > 0 ? 'created' : 'unknown_asset' };
}

const insertAssetEvent = defineStatement<{ eventKey: string }, [event: NewAssetEvent, now: number]>(
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

const insertRunRequests = defineStatement<{ id: string }, [event: NewAssetEvent, now: number]>(
  'insert_reported_run_requests',
  (d) => `
    insert into run_request (id, dag_id, run_id, event_key, conf, state, reason, requested_at)
    select wanted.id, wanted.dag_id, wanted.run_id, asset_event.event_key, wanted.conf, wanted.state, wanted.reason, $2
    from ${d.rows('$3', 'wanted', { id: 'text', dag_id: 'text', run_id: 'text', conf: 'text', state: 'text', reason: 'text' })}
    join asset_event on asset_event.event_key = $1
    where true
    on conflict (dag_id, run_id) do nothing
    returning id`,
  ({ eventKey, runRequests }, now) => [
    eventKey,
    now,
    JSON.stringify(
      runRequests.map(({ id, dagId, runId, conf, state, reason }) => ({ id, dag_id: dagId, run_id: runId, conf, state, reason })),
    ),
  ],
);
