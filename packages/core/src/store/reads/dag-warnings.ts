import type { SerializedDag } from '@tradewind/protocol';
import type { Database } from '../database.ts';
import { all, isReadable, type ReadableDags } from './query-parts.ts';

/** A pool that tasks of a dag want slots of and that does not exist: they will never run. */
export interface MissingPool {
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly pool: string;
  readonly taskIds: readonly string[];
  /** When the dag was last read; milliseconds since the epoch. */
  readonly parsedAt: number;
}

/** The pools that do not exist, of the dags that the caller may read, by dag and pool. */
export async function listMissingPools(database: Database, readable: ReadableDags): Promise<readonly MissingPool[]> {
  const pools = await database.reads.selectFrom('pool').select('name').execute();
  const known = new Set(pools.map(({ name }) => name));
  const rows = await database.reads
    .selectFrom('dag')
    .innerJoin('dagVersion', 'dagVersion.id', 'dag.dagVersionId')
    .select(['dag.dagId', 'dag.displayName', 'dag.parsedAt', 'dagVersion.serialized'])
    .where('dag.isStale', '=', 0)
    // Few dags name a pool; only theirs are looked into.
    .where('dagVersion.serialized', 'like', '%"pool":%')
    .where(all([isReadable('dag.dagId', readable)]))
    .orderBy('dag.dagId')
    .execute();
  return rows.flatMap(({ dagId, displayName, parsedAt, serialized }) => {
    const { tasks } = JSON.parse(serialized) as SerializedDag;
    const missing = Map.groupBy(
      tasks.filter(({ pool }) => pool !== undefined && !known.has(pool)),
      ({ pool = '' }) => pool,
    );
    return [...missing].map(([pool, wanting]) => ({
      dagId,
      dagDisplayName: displayName ?? dagId,
      pool,
      taskIds: wanting.map(({ taskId }) => taskId),
      parsedAt,
    }));
  });
}

/** A dag that has a new version again and again, as one does that holds a value which differs at each reading. */
export interface RestlessDag {
  readonly dagId: string;
  readonly dagDisplayName: string;
  /** New versions since the moment that was asked for. */
  readonly versions: number;
  readonly newestAt: number;
}

/** The dags that the caller may read and that have had more than `most` new versions since a moment, by id. */
export async function listRestlessDags(
  database: Database,
  { readable, since, most }: { readonly readable: ReadableDags; readonly since: number; readonly most: number },
): Promise<readonly RestlessDag[]> {
  const rows = await database.reads
    .selectFrom('dagVersion')
    .innerJoin('dag', 'dag.dagId', 'dagVersion.dagId')
    .select(({ fn }) => [
      'dag.dagId',
      'dag.displayName',
      fn.countAll<number>().as('versions'),
      fn.max('dagVersion.createdAt').as('newestAt'),
    ])
    .where('dagVersion.createdAt', '>=', since)
    .where('dag.isStale', '=', 0)
    .where(all([isReadable('dag.dagId', readable)]))
    .groupBy(['dag.dagId', 'dag.displayName'])
    .having(({ fn }) => fn.countAll<number>(), '>', most)
    .orderBy('dag.dagId')
    .execute();
  return rows.map(({ dagId, displayName, versions, newestAt }) => ({
    dagId,
    dagDisplayName: displayName ?? dagId,
    versions,
    newestAt,
  }));
}
