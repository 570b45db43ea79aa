import { sql } from 'kysely';
import type { Database } from '../database.ts';
import { all, isReadable, type ReadableDags } from './query-parts.ts';

/** That events of an asset wait for a dag: in its queue, or as requests of runs because the dag is paused. Times are milliseconds since the epoch. */
export interface QueuedEventSummary {
  readonly dagId: string;
  readonly dagDisplayName: string | null;
  readonly assetId: number;
  /** When the newest of them came. */
  readonly queuedAt: number;
}

/** Which queued events are meant. Everything left out does not narrow. */
export interface QueuedEventFilter {
  readonly dagId?: string | undefined;
  readonly assetId?: number | undefined;
  /** Only those that came earlier. */
  readonly before?: number | undefined;
}

const WAITING = sql<{ dagId: string; assetId: number; queuedAt: number }>`(
  select dag_id, asset_id, queued_at from queued_asset_event where state = 'pending'
  union all
  select request.dag_id, event.asset_id, request.requested_at as queued_at
  from run_request as request join asset_event as event on event.event_key = request.event_key
  where request.state = 'pending'
    and not exists (select 1 from queued_asset_event as taken where taken.run_request_id = request.id)
)`;

/** Lists what waits, one row for each dag and asset, by dag and then by asset. */
export async function listQueuedEvents(
  database: Database,
  { dagId, assetId, before }: QueuedEventFilter,
  readable: ReadableDags,
): Promise<readonly QueuedEventSummary[]> {
  return database.reads
    .selectFrom(WAITING.as('waiting'))
    .innerJoin('dag', 'dag.dagId', 'waiting.dagId')
    .select(({ fn }) => [
      'waiting.dagId',
      'dag.displayName as dagDisplayName',
      'waiting.assetId',
      fn.max<number>('waiting.queuedAt').as('queuedAt'),
    ])
    .where(all([isReadable('dag.dagId', readable)]))
    .$if(dagId !== undefined, (query) => query.where('waiting.dagId', '=', dagId ?? ''))
    .$if(assetId !== undefined, (query) => query.where('waiting.assetId', '=', assetId ?? 0))
    .$if(before !== undefined, (query) => query.where('waiting.queuedAt', '<', before ?? 0))
    .groupBy(['waiting.dagId', 'dag.displayName', 'waiting.assetId'])
    .orderBy('waiting.dagId')
    .orderBy('waiting.assetId')
    .execute();
}
