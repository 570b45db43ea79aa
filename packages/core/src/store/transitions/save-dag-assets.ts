import type { SerializedAsset, SerializedDag } from '@tradewind/protocol';
import { defineStatement, type SqlDialect, type Statement } from '../database.ts';
import { storableText } from '../storable-text.ts';

/**
 * The statements that make assets, their bindings and the subscriptions what the dags say, after the dags themselves in the same
 * transaction.
 *
 * Assets stay for ever, because events refer to them. Where an event goes is decided by the dags that emit it; what an asset is otherwise,
 * by the dag that was saved last. A watcher stands as long as a dag that is not stale is scheduled on its asset and describes it, and a
 * subscription is active as long as it has such a watcher. Run twice: the same rows.
 *
 * @param alsoChanged names of further assets whose watchers may have changed: those that the dags were scheduled on before
 */
export function saveDagAssets(dags: readonly SerializedDag[], alsoChanged: readonly string[], now: number): readonly Statement<unknown>[] {
  const assets = describeAssets(dags);
  const scheduled = dags.flatMap(({ dagId, schedule }) => (schedule.kind === 'asset' ? schedule.any.map((name) => ({ dagId, name })) : []));
  const outlets = dags.flatMap(({ dagId, tasks }) =>
    tasks.flatMap(({ taskId, outlets: names }) => [...new Set(names)].map((name) => ({ dagId, taskId, name }))),
  );
  const dagIds = dags.map(({ dagId }) => dagId);
  const changed = [...new Set([...scheduled.map(({ name }) => name), ...alsoChanged])].toSorted();
  return [
    updateAssets(assets, now),
    insertAssets(assets, now),
    unbindSchedules(dagIds, scheduled),
    bindSchedules(scheduled),
    unbindOutlets(dagIds, outlets),
    bindOutlets(outlets),
    ...refreshSubscriptions(changed, now),
  ];
}

/**
 * The statements that make watchers and subscriptions what the dags say which are scheduled on these assets. Also called where dags became
 * stale.
 */
export function refreshSubscriptions(assetNames: readonly string[], now: number): readonly Statement<unknown>[] {
  return [removeWatchers(assetNames), insertSubscriptions(assetNames, now), saveWatchers(assetNames), switchSubscriptions(now)];
}

/** The assets that the dags of these files, or the dags named, are scheduled on so far. */
export const selectScheduleAssets = defineStatement<{ name: string }, [files: readonly string[], dagIds: readonly string[]]>(
  'select_schedule_assets',
  (d) => `
    select distinct asset.name as name
    from dag
    join dag_schedule_asset as bound on bound.dag_id = dag.dag_id
    join asset on asset.id = bound.asset_id
    where dag.file in (select given.file from ${d.rows('$1', 'given', { file: 'text' })})
      or dag.dag_id in (select named.dag_id from ${d.rows('$2', 'named', { dag_id: 'text' })})
    order by asset.name`,
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

const updateAssets = defineStatement<never, [assets: readonly DescribedAsset[], now: number]>(
  'update_assets',
  (d) => `
    update asset
    set uri = given.uri, asset_group = given.asset_group, extra = given.extra,
      event_type = case when given.is_emitted = 1 then given.event_type else asset.event_type end,
      publish = case when given.is_emitted = 1 then given.publish else asset.publish end, updated_at = $2
    from ${givenAssets(d)}
    where asset.name = given.name and (
      asset.uri <> given.uri or asset.asset_group <> given.asset_group or asset.extra is distinct from given.extra
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

interface OutletBinding extends ScheduleBinding {
  readonly taskId: string;
}

const unbindOutlets = defineStatement<never, [dagIds: readonly string[], bindings: readonly OutletBinding[]]>(
  'unbind_outlets',
  (d) => `
    delete from task_outlet_asset
    where dag_id in (select saved.dag_id from ${d.rows('$1', 'saved', { dag_id: 'text' })})
      and not exists (
        select 1 from ${d.rows('$2', 'given', { dag_id: 'text', task_id: 'text', name: 'text' })}
        join asset on asset.name = given.name
        where given.dag_id = task_outlet_asset.dag_id and given.task_id = task_outlet_asset.task_id and asset.id = task_outlet_asset.asset_id
      )`,
  (dagIds, bindings) => [JSON.stringify(dagIds.map((dagId) => ({ dag_id: dagId }))), outletRows(bindings)],
);

const bindOutlets = defineStatement<never, [bindings: readonly OutletBinding[]]>(
  'bind_outlets',
  (d) => `
    insert into task_outlet_asset (dag_id, task_id, asset_id)
    select given.dag_id, given.task_id, asset.id
    from ${d.rows('$1', 'given', { dag_id: 'text', task_id: 'text', name: 'text' })} join asset on asset.name = given.name
    where true
    on conflict (dag_id, task_id, asset_id) do nothing`,
  (bindings) => [outletRows(bindings)],
);

function outletRows(bindings: readonly OutletBinding[]): string {
  return JSON.stringify(bindings.map(({ dagId, taskId, name }) => ({ dag_id: dagId, task_id: taskId, name })));
}

/**
 * The watchers that the current versions of the dags describe which are scheduled on the assets in `$1`. Where two describe the same queue
 * for an asset and one of them wants every type of message, every type it is.
 */
function wantedWatchers(d: SqlDialect): string {
  const elements =
    d.dialect === 'sqlite'
      ? `join json_each(version.serialized, '$.assets') as described join json_each(described.value, '$.watchers') as watcher`
      : `cross join lateral json_array_elements(version.serialized::json -> 'assets') as described(value)
         cross join lateral json_array_elements(described.value -> 'watchers') as watcher(value)`;
  return `
    select asset.id as asset_id, watcher.value ->> 'transport' as transport, watcher.value ->> 'queue' as source,
      (watcher.value ->> 'transport') || ':' || (watcher.value ->> 'queue') as subscription,
      case when count(*) = count(watcher.value ->> 'type') then min(watcher.value ->> 'type') end as event_type
    from ${d.rows('$1', 'changed', { name: 'text' })}
    join asset on asset.name = changed.name
    join dag_schedule_asset as bound on bound.asset_id = asset.id
    join dag on dag.dag_id = bound.dag_id and dag.is_stale = 0
    join dag_version as version on version.id = dag.dag_version_id
    ${elements}
    where described.value ->> 'name' = asset.name
    group by asset.id, watcher.value ->> 'transport', watcher.value ->> 'queue'`;
}

const removeWatchers = defineStatement<never, [assetNames: readonly string[]]>(
  'remove_asset_watchers',
  (d) => `
    delete from asset_watcher
    where asset_id in (select asset.id from ${d.rows('$1', 'named', { name: 'text' })} join asset on asset.name = named.name)
      and not exists (
        select 1 from (${wantedWatchers(d)}) as wanted
        where wanted.asset_id = asset_watcher.asset_id and wanted.subscription = asset_watcher.subscription
      )`,
  (assetNames) => [nameRows(assetNames)],
);

const insertSubscriptions = defineStatement<never, [assetNames: readonly string[], now: number]>(
  'insert_subscriptions',
  (d) => `
    insert into subscription (name, transport, source, is_active, state, changed_at)
    select distinct wanted.subscription, wanted.transport, wanted.source, 1, 'stopped', cast($2 as bigint) from (${wantedWatchers(d)}) as wanted
    where true
    on conflict (name) do nothing`,
  (assetNames, now) => [nameRows(assetNames), now],
);

const saveWatchers = defineStatement<never, [assetNames: readonly string[]]>(
  'save_asset_watchers',
  (d) => `
    insert into asset_watcher (asset_id, subscription, event_type)
    select wanted.asset_id, wanted.subscription, wanted.event_type from (${wantedWatchers(d)}) as wanted
    where true
    on conflict (asset_id, subscription) do update set event_type = excluded.event_type`,
  (assetNames) => [nameRows(assetNames)],
);

/** Active or not, as the watchers say. A few rows in all, so every one is looked at. */
const switchSubscriptions = defineStatement<never, [now: number]>(
  'switch_subscriptions',
  () => `
    update subscription
    set is_active = 1 - is_active, changed_at = $1
    where is_active <> (
      case when exists (select 1 from asset_watcher where asset_watcher.subscription = subscription.name) then 1 else 0 end
    )`,
  (now) => [now],
);

function nameRows(names: readonly string[]): string {
  return JSON.stringify(names.map((name) => ({ name })));
}
