import { createHash } from 'node:crypto';
import { decodeJson, encodeJson, type CloudEvent, type SerializedDag } from '@tradewind/protocol';
import type { TriggerParts } from '../api/trigger-dag-run.ts';
import { decideRunRequest, eventRunId } from '../model/run-request.ts';
import { createAssetEvent } from '../store/transitions/create-asset-event.ts';
import { selectDagsScheduledOn } from '../store/transitions/record-emitted-events.ts';
import { badEnvironment } from './store-dags.ts';

/** An event that a test lets happen. */
export interface TestEvent {
  readonly asset: { readonly name: string; readonly uri: string; readonly eventType: string };
  readonly extra: unknown;
}

/**
 * Records an event of an asset, with the runs that it asks for, as if it had come from somewhere else.
 * @throws SdkError `bad_test_run` where no dag uses the asset, its extra is not JSON, or does not fit the params of a dag that it starts
 */
export async function emitEvent({ database, clock, random, wake }: TriggerParts, { asset, extra }: TestEvent): Promise<void> {
  const encoded = encodeJson(extra);
  if (!encoded.ok)
    throw badEnvironment(`the extra of the event of asset "${asset.name}" is not JSON: ${encoded.problem.path} ${encoded.problem.reason}`);
  const data = decodeJson(encoded.json);
  const eventKey = createHash('sha256')
    .update(JSON.stringify(['test', random.uuid()]))
    .digest('hex');
  const [dags] = await database.batch([selectDagsScheduledOn([{ name: asset.name }])]);
  const runRequests = dags.map(({ dagId, serialized }) => {
    const decision = decideRunRequest(decodeJson(serialized) as unknown as SerializedDag, data);
    if (decision.state === 'refused')
      throw badEnvironment(`the event of asset "${asset.name}" starts no run of dag "${dagId}": ${decision.reason}`);
    return { id: random.uuid(), dagId, runId: eventRunId(eventKey), ...decision };
  });
  const now = clock.now();
  const envelope: CloudEvent = {
    specversion: '1.0',
    id: eventKey,
    source: '/tradewind/test',
    type: asset.eventType,
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json',
    data,
  };
  const stored = await database.reads
    .selectFrom('asset')
    .select('id')
    .where('name', '=', asset.name)
    .where('uri', '=', asset.uri)
    .executeTakeFirst();
  const event = { eventKey, assetId: stored?.id ?? 0, extra: encoded.json, runRequests, envelope: JSON.stringify(envelope) };
  const { outcome } = await createAssetEvent(database, event, now);
  if (outcome === 'unknown_asset') throw badEnvironment(`no dag of the environment uses the asset "${asset.name}"`);
  wake();
}
