import { z } from 'zod';
import { listSubscriptions, subscriptionBalances } from '../../store/reads/federation.ts';
import { listQuarantine } from '../../store/reads/quarantine.ts';
import { writeInstant, writeInstantOrNull } from '../instants.ts';
import { integer, optional, query, readPage } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';

/** A message may be 256 KiB long, so an answer holds few of them. */
const MOST_MESSAGES = 20;

const subscription = z.object({
  name: z.string(),
  transport: z.string(),
  source: z.string(),
  is_active: z.boolean(),
  state: z.string(),
  reason: z.string().nullable(),
  changed_at: z.string(),
  last_poll_at: z.string().nullable(),
  last_message_at: z.string().nullable(),
  /** received = ran + batched + pending + unmatched + quarantined + deduplicated */
  balance: z.object({
    received: z.int(),
    ran: z.int(),
    pending: z.int(),
    unmatched: z.int(),
    quarantined: z.int(),
    deduplicated: z.int(),
    batched: z.int(),
    refused: z.int(),
  }),
});

/** Lists the broker sources that this environment listens to, each with what became of its messages. */
export const getSubscriptions = apiRoute({
  operationId: 'tradewind_get_subscriptions',
  method: 'GET',
  url: '/api/v2/tradewind/subscriptions',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'subscription', action: 'read' },
  response: z.object({ subscriptions: z.array(subscription), total_entries: z.int() }),
  async handler(_input, { database }) {
    const [rows, balances] = await Promise.all([listSubscriptions(database), subscriptionBalances(database)]);
    const subscriptions = rows.flatMap((row) => {
      const balance = balances.find(({ name }) => name === row.name);
      if (balance === undefined) return [];
      return [
        {
          name: row.name,
          transport: row.transport,
          source: row.source,
          is_active: row.isActive === 1,
          state: row.state,
          reason: row.reason,
          changed_at: writeInstant(row.changedAt),
          last_poll_at: writeInstantOrNull(row.lastPollAt),
          last_message_at: writeInstantOrNull(row.lastMessageAt),
          balance,
        },
      ];
    });
    return { subscriptions, total_entries: subscriptions.length };
  },
});

/** Lists the messages that nothing could be made of, as they came, newest first. */
export const getQuarantine = apiRoute({
  operationId: 'tradewind_get_quarantine',
  method: 'GET',
  url: '/api/v2/tradewind/quarantine',
  policy: { kind: 'role', atLeast: 'op', resource: 'inbox', action: 'read' },
  query: z.object({ limit: optional(integer({ minimum: 0 })), before: query.text }),
  response: z.object({
    messages: z.array(
      z.object({
        id: z.string(),
        subscription: z.string(),
        reason: z.string().nullable(),
        message_id: z.string(),
        event_id: z.string().nullable(),
        event_source: z.string().nullable(),
        event_type: z.string().nullable(),
        received_at: z.string(),
        duplicates: z.int(),
        body: z.string(),
        attributes: z.record(z.string(), z.string()),
      }),
    ),
    /** Given as `before`, it brings the next page; null where there is none. */
    next_before: z.string().nullable(),
  }),
  async handler({ query: given }, { database }) {
    const limit = Math.min(readPage(given).limit, MOST_MESSAGES);
    const rows = await listQuarantine(database, { before: given.before, limit });
    return {
      messages: rows.map((row) => ({
        id: row.id,
        subscription: row.subscription,
        reason: row.reason,
        message_id: row.messageId,
        event_id: row.eventId,
        event_source: row.eventSource,
        event_type: row.eventType,
        received_at: writeInstant(row.receivedAt),
        duplicates: row.duplicates,
        body: row.body,
        attributes: JSON.parse(row.attributes) as Record<string, string>,
      })),
      next_before: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
    };
  },
});
