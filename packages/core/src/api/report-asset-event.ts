import { createHash } from 'node:crypto';
import { decodeJson, type CloudEvent, type JsonObject, type SerializedDag } from '@tradewind/protocol';
import { decideRunRequest, eventRunId } from '../model/run-request.ts';
import { TradewindError } from '../platform/errors.ts';
import { createAssetEvent } from '../store/transitions/create-asset-event.ts';
import { selectDagsScheduledOn } from '../store/transitions/record-emitted-events.ts';
import type { ApiParts } from './api-parts.ts';

/** Something that happened to an asset, as a caller of the API tells it. */
export interface AssetReport {
  readonly asset: { readonly id: number; readonly name: string; readonly eventType: string };
  readonly extra: JsonObject;
}

/**
 * Records an event of an asset and asks, in the same transaction, for a run of each dag that is scheduled on it; where the asset is published the event
 * leaves the environment, as one that a task emits. The top-level fields of `extra` that
 * a dag declares as params are its conf; where they do not fit, its request is refused with the reason and the others go on.
 *
 * @returns the event's key
 * @throws TradewindError `not_found` where the asset is gone, or no dag uses it any more
 */
export async function reportAssetEvent(parts: ApiParts, { asset, extra }: AssetReport): Promise<string> {
  const { database, random, clock, wake } = parts;
  const eventKey = createHash('sha256')
    .update(JSON.stringify(['api', random.uuid()]))
    .digest('hex');
  const [dags] = await database.batch([selectDagsScheduledOn([{ name: asset.name }])]);
  const runRequests = dags.map(({ dagId, serialized }) => {
    const dag = decodeJson(serialized) as unknown as SerializedDag;
    return { id: random.uuid(), dagId, runId: eventRunId(eventKey), ...decideRunRequest(dag, extra) };
  });
  // Airflow marks events that came this way.
  const data = { ...extra, from_rest_api: true };
  const now = clock.now();
  const envelope: CloudEvent = {
    specversion: '1.0',
    id: eventKey,
    source: `/tradewind/${encodeURIComponent(parts.environmentName)}`,
    type: asset.eventType,
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json',
    data,
  };
  const event = { eventKey, assetId: asset.id, extra: JSON.stringify(data), runRequests, envelope: JSON.stringify(envelope) };
  const { outcome } = await createAssetEvent(database, event, now);
  if (outcome === 'unknown_asset') throw new TradewindError('not_found', `Asset with ID: \`${asset.id}\` was not found`);
  if (dags.length > 0) wake();
  return eventKey;
}
