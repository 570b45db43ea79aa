import { createHash } from 'node:crypto';
import type { AssetConditionGroup, AssetScheduleOptions, SerializedDag } from '@tradewind/protocol';
import type { Database } from '../database.ts';
import { createDagFileSink } from '../dag-file-sink.ts';
import { createAssetEvent, type CreatedAssetEvent } from '../transitions/create-asset-event.ts';
import { hashed, serializedAsset, serializedDag, serializedTask } from './serialized-dag.ts';

/** A dag with one task that is scheduled on assets of these names. */
export function dagOnAssets(
  dagId: string,
  condition: AssetConditionGroup,
  { assets, ...options }: AssetScheduleOptions & { readonly assets: readonly string[] },
): SerializedDag {
  return serializedDag({
    dagId,
    schedule: { kind: 'asset', ...condition, ...options },
    assets: assets.map((name) => serializedAsset(name)),
    tasks: [serializedTask('one')],
  });
}

/** Saves dags as the dag processor does, each in a file of its own. */
export async function saveDags(database: Database, dags: readonly SerializedDag[], now = 0): Promise<void> {
  let ids = 0;
  const newId = (): string =>
    createHash('sha256')
      .update(`${JSON.stringify(dags)} ${(ids += 1)}`)
      .digest('hex');
  const sink = createDagFileSink({
    database,
    clock: { now: () => now, monotonicMs: () => now, setTimer: () => ({ cancel() {} }) },
    random: { fraction: () => 0, uuid: newId },
  });
  for (const dag of dags) {
    const file = `${dag.dagId}.ts`;
    const version = { bundleVersion: 'bundle' };
    await sink.saveParsedFile({ file, contentHash: '0', dependencies: {}, version, dags: [hashed(dag)], warnings: [], parseMs: 1 });
  }
}

/** Reports an event of an asset, as the API does for an asset on which only dags are scheduled that collect. */
export async function reportEvent(
  database: Database,
  name: string,
  { eventKey, now, extra = {} }: { readonly eventKey: string; readonly now: number; readonly extra?: object },
): Promise<CreatedAssetEvent> {
  const asset = await database.reads.selectFrom('asset').select('id').where('name', '=', name).executeTakeFirstOrThrow();
  return createAssetEvent(database, { eventKey, assetId: asset.id, extra: JSON.stringify(extra), runRequests: [], envelope: '{}' }, now);
}

/** The queue of a dag as text, in order: the event's key and what has become of it. */
export async function queueOf(database: Database, dagId: string): Promise<readonly string[]> {
  const rows = await database.reads.selectFrom('queuedAssetEvent').selectAll().where('dagId', '=', dagId).orderBy('position').execute();
  return rows.map(({ eventKey, state }) => `${eventKey} ${state}`);
}
