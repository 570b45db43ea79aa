import { assetNamesIn, assetScheduleOf, type SerializedAsset, type SerializedDag } from '@tradewind/protocol';
import { defineStatement, type SqlDialect, type Statement } from '../database.ts';
import { storableText } from '../storable-text.ts';
import { refreshSubscriptions, settleAssetUris } from './refresh-subscriptions.ts';
import { saveAssetSchedules } from './save-asset-schedules.ts';
import { saveTaskAssets } from './save-task-assets.ts';

/**
 * The statements that make assets, their bindings and the subscriptions what the dags say, after the dags themselves in the same
 * transaction.
 *
 * Assets stay for ever, because events refer to them. Who an asset is (name and uri) is what the first dag says that describes it (adr/0013); where an event goes is
 * decided by the dags that emit it; what an asset is otherwise, by the dag that was saved last. A watcher stands as long as a dag that is not stale is scheduled on its asset and describes it, and a
 * subscription is active as long as it has such a watcher. Run twice: the same rows.
 *
 * @param alsoChanged names of further assets that may have changed: those that the dags described or were scheduled on before
 */
export function saveDagAssets(dags: readonly SerializedDag[], alsoChanged: readonly string[], now: number): readonly Statement<unknown>[] {
  const assets = describeAssets(dags);
  const scheduled = dags.flatMap(({ dagId, schedule }) => {
    const condition = assetScheduleOf(schedule);
    return condition === undefined ? [] : assetNamesIn(condition).map((name) => ({ dagId, name }));
  });
  const dagIds = dags.map(({ dagId }) => dagId);
  const changed = [...new Set([...assets.map(({ asset }) => asset.name), ...alsoChanged])].toSorted();
  return [
    insertAssets(assets, now),
    forgetDescriptions(dags),
    insertDescriptions(dags, now),
    settleAssetUris(changed, now),
    updateAssets(assets, now),
    unbindSchedules(dagIds, scheduled),
    bindSchedules(scheduled),
    ...saveAssetSchedules(dags, now),
    ...saveTaskAssets(dags),
    ...refreshSubscriptions(changed, now),
  ];
}

/** The assets that the dags of these files, or the dags named, describe or are scheduled on so far. */
export const selectScheduleAssets = defineStatement<{ name: string }, [files: readonly string[], dagIds: readonly string[]]>(
  'select_schedule_assets',
  (d) => `
    select known.name as name
    from dag
    join (
      select bound.dag_id, asset.name from dag_schedule_asset as bound join asset on asset.id = bound.asset_id
      union
      select described.dag_id, described.name from dag_asset as described
    ) as known on known.dag_id = dag.dag_id
    where dag.file in (select given.file from ${d.rows('$1', 'given', { file: 'text' })})
      or dag.dag_id in (select named.dag_id from ${d.rows('$2', 'named', { dag_id: 'text' })})
    group by known.name
    order by known.name`,
  (files, dagIds) => [JSON.stringify(files.map((file) => ({ file }))), JSON.stringify(dagIds.map((dagId) => ({ dag_id: dagId })))],
);

/** An asset, and whether one of the dags emits its events. */
interface DescribedAsset {
  readonly asset: SerializedAsset;
  readonly isEmitted: boolean;
}

/** Sorted by name, so that two saves take their rows in one order. */
function describeAssets(dags: readonly SerializedDag[]): readonly DescribedAsset[] {
  const described = new Map<string, DescribedAsset>();
  for (const { assets, tasks } of dags) {
    const emitted = new Set(tasks.flatMap(({ outlets }) => outlets));
    for (const asset of assets) {
      const isEmitted = emitted.has(asset.name);
      if (isEmitted || described.get(asset.name)?.isEmitted !== true) described.set(asset.name, { asset, isEmitted });
    }
  }
  return [...described.values()].toSorted((one, other) => (one.asset.name < other.asset.name ? -1 : 1));
}

function givenAssets(d: SqlDialect): string {
  return d.rows('$1', 'given', {
    name: 'text',
    uri: 'text',
    asset_group: 'text',
    extra: 'text',
    event_type: 'text',
    publish: 'text',
    is_emitted: 'bigint',
  });
}

function assetValues(assets: readonly DescribedAsset[], now: number): [string, number] {
  const rows = assets.map(({ asset: { name, uri, group, extra, eventType, publish }, isEmitted }) => ({
    name,
    uri: storableText(uri),
    asset_group: storableText(group),
    extra: extra === undefined ? null : JSON.stringify(extra),
    event_type: storableText(eventType),
    publish: publish === undefined ? null : JSON.stringify(publish),
    is_emitted: Number(isEmitted),
  }));
  return [JSON.stringify(rows), now];
}

/** Only where the asset is the one that the dag means: another uri is another asset. */
const updateAssets = defineStatement<never, [assets: readonly DescribedAsset[], now: number]>(
  'update_assets',
  (d) => `
    update asset
    set asset_group = given.asset_group, extra = given.extra,
      event_type = case when given.is_emitted = 1 then given.event_type else asset.event_type end,
      publish = case when given.is_emitted = 1 then given.publish else asset.publish end, updated_at = $2
    from ${givenAssets(d)}
    where asset.name = given.name and asset.uri = given.uri and (
      asset.asset_group <> given.asset_group or asset.extra is distinct from given.extra
      or given.is_emitted = 1 and (asset.event_type <> given.event_type or asset.publish is distinct from given.publish)
    )`,
  assetValues,
);

const insertAssets = defineStatement<never, [assets: readonly DescribedAsset[], now: number]>(
  'insert_assets',
  (d) => `
    insert into asset (name, uri, asset_group, extra, event_type, publish, created_at, updated_at)
    select given.name, given.uri, given.asset_group, given.extra, given.event_type, given.publish, $2, $2
    from ${givenAssets(d)}
    where true
    on conflict (name) do nothing`,
  assetValues,
);

interface ScheduleBinding {
  readonly dagId: string;
  readonly name: string;
}

const unbindSchedules = defineStatement<never, [dagIds: readonly string[], bindings: readonly ScheduleBinding[]]>(
  'unbind_schedules',
  (d) => `
    delete from dag_schedule_asset
    where dag_id in (select saved.dag_id from ${d.rows('$1', 'saved', { dag_id: 'text' })})
      and not exists (
        select 1 from ${d.rows('$2', 'given', { dag_id: 'text', name: 'text' })}
        join asset on asset.name = given.name
        where given.dag_id = dag_schedule_asset.dag_id and asset.id = dag_schedule_asset.asset_id
      )`,
  (dagIds, bindings) => [JSON.stringify(dagIds.map((dagId) => ({ dag_id: dagId }))), scheduleRows(bindings)],
);

const bindSchedules = defineStatement<never, [bindings: readonly ScheduleBinding[]]>(
  'bind_schedules',
  (d) => `
    insert into dag_schedule_asset (dag_id, asset_id)
    select given.dag_id, asset.id from ${d.rows('$1', 'given', { dag_id: 'text', name: 'text' })} join asset on asset.name = given.name
    where true
    on conflict (dag_id, asset_id) do nothing`,
  (bindings) => [scheduleRows(bindings)],
);

function scheduleRows(bindings: readonly ScheduleBinding[]): string {
  return JSON.stringify(bindings.map(({ dagId, name }) => ({ dag_id: dagId, name })));
}

/** A dag that says an asset's uri anew loses its place among those that describe the asset. */
const forgetDescriptions = defineStatement<never, [dags: readonly SerializedDag[]]>(
  'forget_asset_descriptions',
  (d) => `
    delete from dag_asset
    where dag_id in (select saved.dag_id from ${d.rows('$2', 'saved', { dag_id: 'text' })})
      and not exists (
        select 1 from ${d.rows('$1', 'given', { dag_id: 'text', name: 'text', uri: 'text' })}
        where given.dag_id = dag_asset.dag_id and given.name = dag_asset.name and given.uri = dag_asset.uri
      )`,
  (dags) => [descriptionRows(dags), JSON.stringify(dags.map(({ dagId }) => ({ dag_id: dagId })))],
);

const insertDescriptions = defineStatement<never, [dags: readonly SerializedDag[], now: number]>(
  'insert_asset_descriptions',
  (d) => `
    insert into dag_asset (dag_id, name, uri, described_at)
    select given.dag_id, given.name, given.uri, $2
    from ${d.rows('$1', 'given', { dag_id: 'text', name: 'text', uri: 'text' })}
    where true
    on conflict (dag_id, name) do nothing`,
  (dags, now) => [descriptionRows(dags), now],
);

function descriptionRows(dags: readonly SerializedDag[]): string {
  return JSON.stringify(
    dags.flatMap(({ dagId, assets }) => assets.map(({ name, uri }) => ({ dag_id: dagId, name, uri: storableText(uri) }))),
  );
}
