import { defineStatement, type SqlDialect, type Statement } from '../database.ts';

/**
 * The statements that make watchers and subscriptions what the dags say which are scheduled on these assets. Also called where dags became
 * stale.
 */
export function refreshSubscriptions(assetNames: readonly string[], now: number): readonly Statement<unknown>[] {
  return [
    settleAssetUris(assetNames, now),
    removeWatchers(assetNames),
    insertSubscriptions(assetNames, now),
    saveWatchers(assetNames),
    removeWatcherTypes(assetNames),
    saveWatcherTypes(assetNames),
    switchSubscriptions(now),
  ];
}

/** An asset's uri is what the first of the dags says that describe it (adr/0013). A name that no dag describes any more keeps its uri. */
export const settleAssetUris = defineStatement<never, [assetNames: readonly string[], now: number]>(
  'settle_asset_uris',
  (d) => `
    update asset
    set uri = first.uri, updated_at = $2
    from (
      select described.name, described.uri
      from dag_asset as described
      where described.id in (
        select min(known.id)
        from ${d.rows('$1', 'named', { name: 'text' })}
        join dag_asset as known on known.name = named.name
        join dag on dag.dag_id = known.dag_id and dag.is_stale = 0
        group by known.name
      )
    ) as first
    where asset.name = first.name and asset.uri <> first.uri`,
  (assetNames, now) => [nameRows(assetNames), now],
);

/**
 * The watchers that the current versions of the dags describe which are scheduled on the assets in `$1`. Where two describe the same queue
 * for an asset and one of them wants every type of message, every type it is.
 */
function wantedWatchers(d: SqlDialect): string {
  return `
    select asset_id, transport, source, subscription, case when count(*) = count(event_type) then min(event_type) end as event_type
    from (${describedWatchers(d)}) as described
    group by asset_id, transport, source, subscription`;
}

function describedWatchers(d: SqlDialect): string {
  const elements =
    d.dialect === 'sqlite'
      ? `join json_each(version.serialized, '$.assets') as described join json_each(described.value, '$.watchers') as watcher`
      : `cross join lateral json_array_elements(version.serialized::json -> 'assets') as described(value)
         cross join lateral json_array_elements(described.value -> 'watchers') as watcher(value)`;
  return `
    select asset.id as asset_id, watcher.value ->> 'transport' as transport, watcher.value ->> 'queue' as source,
      (watcher.value ->> 'transport') || ':' || (watcher.value ->> 'queue') as subscription, watcher.value ->> 'type' as event_type
    from ${d.rows('$1', 'changed', { name: 'text' })}
    join asset on asset.name = changed.name
    join dag_schedule_asset as bound on bound.asset_id = asset.id
    join dag on dag.dag_id = bound.dag_id and dag.is_stale = 0
    join dag_version as version on version.id = dag.dag_version_id
    ${elements}
    where described.value ->> 'name' = asset.name
      and not exists (
        select 1 from dag_asset as mine where mine.dag_id = dag.dag_id and mine.name = asset.name and mine.uri <> asset.uri
      )`;
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

/** Every type that a watcher takes where each that describes it names one; without a row a watcher takes what its `event_type` says. */
const saveWatcherTypes = defineStatement<never, [assetNames: readonly string[]]>(
  'save_asset_watcher_types',
  (d) => `
    insert into asset_watcher_type (asset_id, subscription, event_type)
    select distinct wanted.asset_id, wanted.subscription, wanted.event_type
    from (${describedWatchers(d)}) as wanted
    join asset_watcher as watcher on watcher.asset_id = wanted.asset_id and watcher.subscription = wanted.subscription
    where watcher.event_type is not null and wanted.event_type is not null
    on conflict (asset_id, subscription, event_type) do nothing`,
  (assetNames) => [nameRows(assetNames)],
);

const removeWatcherTypes = defineStatement<never, [assetNames: readonly string[]]>(
  'remove_asset_watcher_types',
  (d) => `
    delete from asset_watcher_type
    where asset_id in (select asset.id from ${d.rows('$1', 'named', { name: 'text' })} join asset on asset.name = named.name)
      and (
        not exists (
          select 1 from asset_watcher as watcher
          where watcher.asset_id = asset_watcher_type.asset_id and watcher.subscription = asset_watcher_type.subscription
            and watcher.event_type is not null
        )
        or not exists (
          select 1 from (${describedWatchers(d)}) as wanted
          where wanted.asset_id = asset_watcher_type.asset_id and wanted.subscription = asset_watcher_type.subscription
            and wanted.event_type = asset_watcher_type.event_type
        )
      )`,
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
