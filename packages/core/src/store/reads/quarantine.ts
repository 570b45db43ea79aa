import type { Database } from '../database.ts';

/** A message that nothing could be made of, as it came. */
export interface QuarantinedMessage {
  readonly id: string;
  readonly subscription: string;
  readonly reason: string | null;
  readonly messageId: string;
  readonly eventId: string | null;
  readonly eventSource: string | null;
  readonly eventType: string | null;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly duplicates: number;
  readonly body: string;
  /** JSON record of text. */
  readonly attributes: string;
}

/**
 * Lists quarantined messages with their bodies, newest first. Ids sort by time, so the id of the last one is the key of the next page.
 * @param before id of the last message of the page before
 */
export async function listQuarantine(
  database: Database,
  { before, limit }: { readonly before?: string | undefined; readonly limit: number },
): Promise<readonly QuarantinedMessage[]> {
  return database.reads
    .selectFrom('inbox')
    .select([
      'id',
      'subscription',
      'reason',
      'messageId',
      'eventId',
      'eventSource',
      'eventType',
      'receivedAt',
      'duplicates',
      'body',
      'attributes',
    ])
    .where('status', '=', 'quarantined')
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? ''))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}
