import { decodeJson, type TriggeringEvent } from '@tradewind/protocol';
import type { Database } from '../database.ts';

/** Which events of an asset are read. */
export interface InletEventsWish {
  readonly assetName: string;
  /** Milliseconds since the epoch; only later ones. */
  readonly after?: number | undefined;
  /** Only earlier ones. */
  readonly before?: number | undefined;
  readonly limit: number;
  /** The newest first, instead of the oldest. */
  readonly newestFirst: boolean;
}

/** Reads events of an asset in the order in which they were recorded, in the shape in which tasks see events. */
export async function listInletEvents(
  database: Database,
  { assetName, after, before, limit, newestFirst }: InletEventsWish,
): Promise<readonly TriggeringEvent[]> {
  const rows = await database.reads
    .selectFrom('assetEvent')
    .innerJoin('asset', 'asset.id', 'assetEvent.assetId')
    .leftJoin('inbox', 'inbox.id', 'assetEvent.inboxId')
    .select([
      'asset.name as assetName',
      'assetEvent.occurredAt',
      'assetEvent.extra',
      'inbox.eventId as messageId',
      'inbox.eventSource as messageSource',
      'inbox.eventType as messageType',
    ])
    .where('asset.name', '=', assetName)
    .$if(after !== undefined, (query) => query.where('assetEvent.occurredAt', '>', after ?? 0))
    .$if(before !== undefined, (query) => query.where('assetEvent.occurredAt', '<', before ?? 0))
    .orderBy('assetEvent.id', newestFirst ? 'desc' : 'asc')
    .limit(limit)
    .execute();
  return rows.map(({ occurredAt, extra, messageId, messageSource, messageType, ...event }) => ({
    ...event,
    timestamp: new Date(occurredAt).toISOString(),
    extra: decodeJson(extra),
    ...(messageId === null || messageSource === null ? {} : { source: { id: messageId, source: messageSource, type: messageType ?? '' } }),
  }));
}
