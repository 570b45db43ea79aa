/**
 * Rows `(dag_id, asset_id)`: which dags wait for events of which assets, now. Assets that a dag describes, assets that it refers to by name or uri, and those that an
 * alias stands for. A dag that describes an asset otherwise than a dag before it does not wait for it (adr/0013).
 */
export const SCHEDULED_ON = `
    select bound.dag_id, bound.asset_id
    from dag_schedule_asset as bound
    join asset on asset.id = bound.asset_id
    where not exists (${describedOtherwise('bound.dag_id', 'asset.name')})
    union
    select wanted.dag_id, asset.id
    from dag_schedule_reference as wanted
    join asset on asset.name = wanted.target
    where wanted.kind = 'name'
    union
    select wanted.dag_id, asset.id
    from dag_schedule_reference as wanted
    join asset on asset.uri = wanted.target
    where wanted.kind = 'uri'
    union
    select wanted.dag_id, link.asset_id
    from dag_schedule_reference as wanted
    join asset_alias as alias on alias.name = wanted.target
    join asset_alias_asset as link on link.asset_alias_id = alias.id
    where wanted.kind = 'alias'`;

/**
 * Id of the first description by a dag in some file that is not what this one says: the same name with another uri, or the same uri with another name, and described before. Null
 * where there is none.
 *
 * Less and greater instead of unequal: an index then leads past the thousand dags that say the same.
 * @param mine alias of the row of `dag_asset`
 */
export function firstConflict(mine: string): string {
  const earlier = (equal: string, differing: string, comparison: string): string => `
        select min(other.id) as id
        from dag_asset as other
        join dag as owner on owner.dag_id = other.dag_id and owner.is_stale = 0
        where other.${equal} = ${mine}.${equal} and other.${differing} ${comparison} ${mine}.${differing} and other.id < ${mine}.id`;
  const ranges = [earlier('name', 'uri', '<'), earlier('name', 'uri', '>'), earlier('uri', 'name', '<'), earlier('uri', 'name', '>')];
  return `(
      select min(conflict.id) from (${ranges.join(' union all ')}) as conflict)`;
}

/**
 * A row where what the dag says of the asset is not what an earlier dag says.
 * @param dagId SQL of the dag's id
 * @param assetName SQL of the asset's name
 */
export function describedOtherwise(dagId: string, assetName: string): string {
  return `
      select 1
      from dag_asset as mine
      where mine.dag_id = ${dagId} and mine.name = ${assetName} and ${firstConflict('mine')} is not null`;
}

/**
 * Whether anything still uses an asset: a dag in some file that is scheduled on it or has a task that produces it, or an alias that such a dag names.
 * @param assetId SQL of the asset's id
 */
export function isUsed(assetId: string): string {
  return `(
      exists (
        select 1 from dag_schedule_asset as bound join dag on dag.dag_id = bound.dag_id and dag.is_stale = 0
        where bound.asset_id = ${assetId})
      or exists (
        select 1 from task_outlet_asset as outlet join dag on dag.dag_id = outlet.dag_id and dag.is_stale = 0
        where outlet.asset_id = ${assetId})
      or exists (
        select 1 from asset_alias_asset as link
        join task_outlet_alias as outlet on outlet.asset_alias_id = link.asset_alias_id
        join dag on dag.dag_id = outlet.dag_id and dag.is_stale = 0
        where link.asset_id = ${assetId})
      or exists (
        select 1 from asset_alias_asset as link
        join asset_alias as alias on alias.id = link.asset_alias_id
        join dag_schedule_reference as wanted on wanted.kind = 'alias' and wanted.target = alias.name
        join dag on dag.dag_id = wanted.dag_id and dag.is_stale = 0
        where link.asset_id = ${assetId}))`;
}
