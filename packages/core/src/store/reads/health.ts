import { sql } from 'kysely';
import type { Database } from '../database.ts';
import type { JobTable } from '../tables.ts';

/** When processes of one kind last said that they live. Milliseconds since the epoch, by the database's clock. */
export interface Heartbeat {
  readonly kind: JobTable['kind'];
  readonly latestAt: number;
  /** The newest of those that have not ended; null where every one has. */
  readonly liveAt: number | null;
}

/** Reads the newest heartbeat of each kind of process that was ever started. */
export async function readHeartbeats(database: Database): Promise<readonly Heartbeat[]> {
  return database.reads
    .selectFrom('job')
    .select([
      'kind',
      sql<number>`max(heartbeat_at)`.as('latestAt'),
      sql<number | null>`max(case when ended_at is null then heartbeat_at end)`.as('liveAt'),
    ])
    .groupBy('kind')
    .execute();
}
