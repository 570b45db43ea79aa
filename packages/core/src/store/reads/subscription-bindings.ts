import { decodeJson, type JsonObject, type SerializedDag } from '@tradewind/protocol';
import { defineStatement, type Database } from '../database.ts';
import { SCHEDULED_ON } from '../scheduled-on.ts';

/** A broker source that some dag watches. */
export interface ActiveSubscription {
  readonly name: string;
  readonly transport: 'sqs';
  /** Name or URL of the queue. */
  readonly source: string;
}

/** An asset whose events arrive on a subscription, and the dags that its events start. One for each type of message that its watcher takes. */
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
  /** Whether events wait in the dag's queue until they complete its condition, so that the data of one decides nothing yet. @default false */
  readonly isCollecting?: true;
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
  readonly isCollecting: number;
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
    select asset.id as "assetId", asset.name as "assetName", coalesce(type.event_type, watcher.event_type) as "eventType",
      dag.dag_id as "dagId", version.id as "dagVersionId", coalesce(queue.is_collecting, 0) as "isCollecting",
      case when known.id is null then version.serialized end as serialized
    from asset_watcher as watcher
    join asset on asset.id = watcher.asset_id
    left join asset_watcher_type as type on type.asset_id = watcher.asset_id and type.subscription = watcher.subscription
    left join (${SCHEDULED_ON}) as scheduled on scheduled.asset_id = asset.id
    left join dag on dag.dag_id = scheduled.dag_id and dag.is_stale = 0
    left join asset_queue as queue on queue.dag_id = dag.dag_id
    left join dag_version as version on version.id = dag.dag_version_id
    left join ${d.rows('$2', 'known', { id: 'text' })} on known.id = version.id
    where watcher.subscription = $1
    order by asset.id, type.event_type, dag.dag_id`,
  (subscription, knownVersions) => [subscription, JSON.stringify(knownVersions.map((id) => ({ id })))],
);

function paramsIn(serialized: string): ScheduledDag['params'] {
  return (decodeJson(serialized) as unknown as SerializedDag).params;
}

function groupByAsset(rows: readonly BindingRow[], paramsOfVersion: ReadonlyMap<string, ScheduledDag['params']>): readonly AssetBinding[] {
  return [...Map.groupBy(rows, ({ assetId, eventType }) => `${assetId} ${eventType ?? ''}`).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const dags = group.flatMap(({ dagId, dagVersionId, isCollecting }) =>
      dagId === null || dagVersionId === null
        ? []
        : [{ dagId, params: paramsOfVersion.get(dagVersionId) ?? {}, ...(isCollecting === 1 ? { isCollecting: true as const } : {}) }],
    );
    return [{ assetId: first.assetId, assetName: first.assetName, eventType: first.eventType, dags }];
  });
}
