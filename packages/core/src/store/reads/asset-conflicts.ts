import { sql } from 'kysely';
import { defineStatement, type Database } from '../database.ts';
import { firstConflict } from '../scheduled-on.ts';
import { all, isReadable, type ReadableDags } from './query-parts.ts';

/** An asset that a dag describes otherwise than a dag before it: its events do not reach the dag, and the dag's tasks cannot emit them (adr/0013). */
export interface AssetConflict {
  readonly dagId: string;
  readonly name: string;
  readonly uri: string;
  /** Who described it first, and how. */
  readonly firstDagId: string;
  readonly firstName: string;
  readonly firstUri: string;
  /** Milliseconds since the epoch. */
  readonly describedAt: number;
}

/** Lists the conflicts of dags that some file defines, one for each asset of a dag: that with the first who described it otherwise. */
export async function listAssetConflicts(database: Database, readable: ReadableDags): Promise<readonly AssetConflict[]> {
  const rows = await database.reads
    .selectFrom('dagAsset')
    .innerJoin('dag', 'dag.dagId', 'dagAsset.dagId')
    .innerJoin('dagAsset as first', (join) => join.on(sql<boolean>`first.id = ${sql.raw(firstConflict('dag_asset'))}`))
    .select([
      'dagAsset.dagId',
      'dagAsset.name',
      'dagAsset.uri',
      'dagAsset.describedAt',
      'first.dagId as firstDagId',
      'first.name as firstName',
      'first.uri as firstUri',
    ])
    .where('dag.isStale', '=', 0)
    .where(all([isReadable('dagAsset.dagId', readable)]))
    .orderBy('dagAsset.dagId')
    .orderBy('dagAsset.name')
    .execute();
  return rows;
}

/** A conflict in words for the author of the dag. */
export function describeAssetConflict({
  name,
  uri,
  firstDagId,
  firstName,
  firstUri,
}: Omit<AssetConflict, 'dagId' | 'describedAt'>): string {
  const mine = `asset "${name}" (${uri})`;
  const theirs = `asset "${firstName}" (${firstUri}) of dag "${firstDagId}", which was first`;
  return name === firstName
    ? `${mine} has the name of ${theirs}, and another uri; give both the same uri, or rename one`
    : `${mine} has the uri of ${theirs}, and another name; give both the same name, or use asset.ref({ uri })`;
}

/** A task that has an outlet which its dag describes otherwise than a dag before it. */
export type OutletConflict = { readonly taskId: string } & Omit<AssetConflict, 'describedAt'>;

/**
 * The tasks of these dags that must not start, because they have an outlet which another dag described otherwise before: their events could not be recorded.
 * `describeAssetConflict` says it in words.
 */
export const selectOutletConflicts = defineStatement<OutletConflict, [dagIds: readonly string[]]>(
  'select_outlet_conflicts',
  (d) => `
    select outlet.dag_id as "dagId", outlet.task_id as "taskId", mine.name as name, mine.uri as uri,
      first.dag_id as "firstDagId", first.name as "firstName", first.uri as "firstUri"
    from ${d.rows('$1', 'wanted', { dag_id: 'text' })}
    join task_outlet_asset as outlet on outlet.dag_id = wanted.dag_id
    join asset on asset.id = outlet.asset_id
    join dag_asset as mine on mine.dag_id = outlet.dag_id and mine.name = asset.name
    join dag_asset as first on first.id = ${firstConflict('mine')}
    order by outlet.dag_id, outlet.task_id, mine.name`,
  (dagIds) => [JSON.stringify(dagIds.map((dagId) => ({ dag_id: dagId })))],
);
