import { decodeJson, type JsonObject, type SerializedDag } from '@tradewind/protocol';
import { defineStatement, type Database } from '../database.ts';

/** A broker source that some dag watches. */
export interface ActiveSubscription {
  readonly name: string;
  readonly transport: 'sqs';
  /** Name or URL of the queue. */
  readonly source: string;
}

/** An asset whose events arrive on a subscription, and the dags that its events start. */
export interface AssetBinding {
  readonly assetId: number;
  readonly assetName: string;
  /** Only messages of this CloudEvents type; null for every one. */
  readonly eventType: string | null;
  readonly dags: readonly ScheduledDag[];
}

/** A dag that is scheduled on an asset. */
export interface ScheduledDag {
  readonly dagId: string;
  /** One JSON Schema for each param, of the dag's current version. */
  readonly params: Readonly<Record<string, JsonObject>>;
}

/** Reads the subscriptions that are to be polled. */
export async function readActiveSubscriptions(database: Database): Promise<readonly ActiveSubscription[]> {
  const [subscriptions] = await database.batch([selectActiveSubscriptions()]);
  return subscriptions;
}

const selectActiveSubscriptions = defineStatement<ActiveSubscription, []>(
  'select_active_subscriptions',
  () => `select name as name, transport as transport, source as source from subscription where is_active = 1 order by name`,
  () => [],
);

interface BindingRow {
  readonly assetId: number;
  readonly assetName: string;
  readonly eventType: string | null;
  readonly dagId: string | null;
  readonly dagVersionId: string | null;
  /** Null where the caller knows the version already. */
  readonly serialized: string | null;
}

/**
 * Returns a function that reads what hangs on a subscription, fresh from the database each time. Params belong to a version and a version never
 * changes, so those of the versions that were read last are kept and not read again.
 */
export function createBindingReader(database: Database, subscription: string): () => Promise<readonly AssetBinding[]> {
  let paramsOfVersion: ReadonlyMap<string, ScheduledDag['params']> = new Map();
  return async () => {
    const known = paramsOfVersion;
    const [rows] = await database.batch([selectBindings(subscription, [...known.keys()])]);
    paramsOfVersion = new Map(
      rows.flatMap(({ dagVersionId, serialized }) =>
        dagVersionId === null ? [] : [[dagVersionId, serialized === null ? (known.get(dagVersionId) ?? {}) : paramsIn(serialized)]],
      ),
    );
    return groupByAsset(rows, paramsOfVersion);
  };
}

const selectBindings = defineStatement<BindingRow, [subscription: string, knownVersions: readonly string[]]>(
  'select_subscription_bindings',
  (d) => `
    select asset.id as "assetId", asset.name as "assetName", watcher.event_type as "eventType", dag.dag_id as "dagId",
      version.id as "dagVersionId", case when known.id is null then version.serialized end as serialized
    from asset_watcher as watcher
    join asset on asset.id = watcher.asset_id
    left join dag_schedule_asset as schedule on schedule.asset_id = asset.id
    left join dag on dag.dag_id = schedule.dag_id and dag.is_stale = 0
    left join dag_version as version on version.id = dag.dag_version_id
    left join ${d.rows('$2', 'known', { id: 'text' })} on known.id = version.id
    where watcher.subscription = $1
    order by asset.id, dag.dag_id`,
  (subscription, knownVersions) => [subscription, JSON.stringify(knownVersions.map((id) => ({ id })))],
);

function paramsIn(serialized: string): ScheduledDag['params'] {
  return (decodeJson(serialized) as unknown as SerializedDag).params;
}

function groupByAsset(rows: readonly BindingRow[], paramsOfVersion: ReadonlyMap<string, ScheduledDag['params']>): readonly AssetBinding[] {
  return [...Map.groupBy(rows, ({ assetId }) => assetId).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const dags = group.flatMap(({ dagId, dagVersionId }) =>
      dagId === null || dagVersionId === null ? [] : [{ dagId, params: paramsOfVersion.get(dagVersionId) ?? {} }],
    );
    return [{ assetId: first.assetId, assetName: first.assetName, eventType: first.eventType, dags }];
  });
}
