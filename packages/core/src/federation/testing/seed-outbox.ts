import type { CloudEvent } from '@tradewind/protocol';
import type { Database } from '../../store/database.ts';

/** Events that a task emitted, as the scheduler stores them. */
export interface SeededOutbox {
  readonly ids: readonly string[];
  /** @default 'orders' */
  readonly topic?: string;
  readonly now: number;
  readonly data?: CloudEvent['data'];
}

/** Puts pending events into the outbox, due at once. */
export async function seedOutbox(database: Database, { ids, topic = 'orders', now, data }: SeededOutbox): Promise<void> {
  for (const id of ids) {
    const event: CloudEvent = { specversion: '1.0', id, source: '/tradewind/sales/load', type: 'orders.completed', data: data ?? { id } };
    await database.reads
      .insertInto('outbox')
      .values({
        id,
        assetName: 'orders',
        target: JSON.stringify({ transport: 'sns', topic }),
        envelope: JSON.stringify(event),
        state: 'pending',
        attempts: 0,
        lastError: null,
        createdAt: now,
        nextAttemptAt: now,
        sentAt: null,
      })
      .execute();
  }
}
