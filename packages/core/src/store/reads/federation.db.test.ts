import { expect, test } from 'vitest';
import { seedOutbox } from '../../federation/testing/seed-outbox.ts';
import { SEEDED_SUBSCRIPTION, seedSubscription } from '../../federation/testing/seed-subscription.ts';
import type { Database } from '../database.ts';
import type { InboxStatus, RunRequestTable } from '../tables.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { receiveMessages, type Receipt } from '../transitions/receive-messages.ts';
import { findInboxMessage, listInbox, listOutbox, listSubscriptions, outboxBacklog, subscriptionBalances } from './federation.ts';

const NOW = 1_700_000_000_000;

/** Stores a message with a request in each of the given states. */
async function store(
  database: Database,
  id: string,
  { status, requests = [], duplicates = 0 }: { status: InboxStatus; requests?: readonly RunRequestTable['state'][]; duplicates?: number },
): Promise<void> {
  const eventKey = `event-${id}`;
  const receipt: Receipt = {
    id,
    subscription: SEEDED_SUBSCRIPTION,
    dedupeKey: `key-${id}`,
    status,
    reason: status === 'accepted' ? null : `because of ${id}`,
    messageId: `message-${id}`,
    body: 'body',
    attributes: '{}',
    eventId: null,
    eventSource: null,
    eventType: null,
    receivedAt: NOW,
    duplicates,
    assetEvents: [{ eventKey, assetId: 1, extra: 'null', occurredAt: NOW }],
    runRequests: requests.map((_state, index) => ({
      id: `${id}-${index}`,
      dagId: `dag-${index}`,
      runId: `run-${id}`,
      eventKey,
      conf: '{}',
      state: 'pending',
      reason: null,
    })),
  };
  await database.batch(receiveMessages([receipt]));
  for (const [index, state] of requests.entries()) {
    await database.reads.updateTable('runRequest').set({ state }).where('id', '=', `${id}-${index}`).execute();
  }
}

describeDatabases('the balance of a subscription', (open) => {
  test('is zero everywhere before anything was received', async () => {
    const database = await open();
    await seedSubscription(database);
    expect(await subscriptionBalances(database)).toEqual([
      { name: SEEDED_SUBSCRIPTION, received: 0, ran: 0, batched: 0, pending: 0, unmatched: 0, quarantined: 0, deduplicated: 0, refused: 0 },
    ]);
  });

  const CASES: readonly (readonly [string, Parameters<typeof store>[2], string])[] = [
    ['every run is created', { status: 'accepted', requests: ['created', 'created'] }, 'ran'],
    ['one run is created and the others are refused', { status: 'accepted', requests: ['refused', 'created'] }, 'ran'],
    ['one run is still to be created', { status: 'accepted', requests: ['created', 'pending', 'refused'] }, 'pending'],
    ['every run was refused after all', { status: 'accepted', requests: ['refused', 'refused'] }, 'quarantined'],
    ['every run was refused at once', { status: 'quarantined', requests: ['refused'] }, 'quarantined'],
    ['it could not be read', { status: 'quarantined' }, 'quarantined'],
    ['it asks for no run', { status: 'unmatched' }, 'unmatched'],
  ];

  test.each(CASES)('counts a message once where %s', async (_what, message, column) => {
    const database = await open();
    await seedSubscription(database);
    await store(database, 'a', message);
    const [balance] = await subscriptionBalances(database);
    const { received, ran, pending, unmatched, quarantined, deduplicated } = balance ?? {};
    expect({ received, ran, pending, unmatched, quarantined, deduplicated }).toEqual({
      received: 1,
      ran: 0,
      pending: 0,
      unmatched: 0,
      quarantined: 0,
      deduplicated: 0,
      [column]: 1,
    });
    expect(balance?.refused).toBe((message.requests ?? []).filter((state) => state === 'refused').length);
  });

  test('adds up over all of them, duplicates included', async () => {
    const database = await open();
    await seedSubscription(database);
    await seedSubscription(database, { subscription: 'quiet', assets: [] });
    for (const [index, [, message]] of CASES.entries()) await store(database, `message-${index}`, { ...message, duplicates: index });
    const [balance, quiet] = await subscriptionBalances(database);
    expect(balance).toEqual({
      name: SEEDED_SUBSCRIPTION,
      received: 28,
      batched: 0,
      ran: 2,
      pending: 1,
      unmatched: 1,
      quarantined: 3,
      deduplicated: 21,
      refused: 5,
    });
    expect(quiet).toMatchObject({ name: 'quiet', received: 0 });
  });
});

describeDatabases('listings of federation', (open) => {
  test('show messages newest first, page by page, without their bodies', async () => {
    const database = await open();
    await seedSubscription(database);
    for (const id of ['1', '2', '3', '4', '5']) await store(database, id, { status: id === '3' ? 'quarantined' : 'accepted' });
    const first = await listInbox(database, { limit: 2 });
    expect(first.map(({ id }) => id)).toEqual(['5', '4']);
    expect(first[0]).not.toHaveProperty('body');
    const second = await listInbox(database, { limit: 2, before: first.at(-1)?.id ?? '' });
    expect(second.map(({ id }) => id)).toEqual(['3', '2']);
    expect(await listInbox(database, { limit: 9, status: 'quarantined' })).toMatchObject([{ id: '3', reason: 'because of 3' }]);
    expect(await listInbox(database, { limit: 9, subscription: 'other' })).toEqual([]);
  });

  test('show one message with its body and the runs that it asked for', async () => {
    const database = await open();
    await seedSubscription(database);
    await store(database, 'a', { status: 'accepted', requests: ['created', 'refused'] });
    expect(await findInboxMessage(database, 'a')).toMatchObject({
      id: 'a',
      body: 'body',
      runRequests: [
        { dagId: 'dag-0', runId: 'run-a', state: 'created' },
        { dagId: 'dag-1', runId: 'run-a', state: 'refused' },
      ],
    });
    expect(await findInboxMessage(database, 'b')).toBeUndefined();
  });

  test('show subscriptions by name', async () => {
    const database = await open();
    await seedSubscription(database, { subscription: 'b', assets: [] });
    await seedSubscription(database, { subscription: 'a', assets: [] });
    expect((await listSubscriptions(database)).map(({ name, isActive, state }) => [name, isActive, state])).toEqual([
      ['a', 1, 'stopped'],
      ['b', 1, 'stopped'],
    ]);
  });

  test('show emitted events newest first, page by page, also those of one instant', async () => {
    const database = await open();
    await seedOutbox(database, { ids: ['a', 'b', 'c'], now: NOW });
    await seedOutbox(database, { ids: ['d'], now: NOW + 1 });
    await database.reads.updateTable('outbox').set({ state: 'sent' }).where('id', '=', 'c').execute();
    const first = await listOutbox(database, { limit: 2 });
    expect(first.map(({ id }) => id)).toEqual(['d', 'c']);
    const second = await listOutbox(database, { limit: 2, before: { createdAt: NOW, id: 'c' } });
    expect(second.map(({ id }) => id)).toEqual(['b', 'a']);
    expect((await listOutbox(database, { limit: 9, state: 'sent' })).map(({ id }) => id)).toEqual(['c']);
  });

  test('say how much has not reached the broker', async () => {
    const database = await open();
    expect(await outboxBacklog(database)).toEqual({ pending: 0, failing: 0, oldestCreatedAt: null });
    await seedOutbox(database, { ids: ['a'], now: NOW });
    await seedOutbox(database, { ids: ['b', 'c'], now: NOW + 1 });
    await database.reads.updateTable('outbox').set({ state: 'sent' }).where('id', '=', 'a').execute();
    await database.reads.updateTable('outbox').set({ lastError: 'busy' }).where('id', '=', 'c').execute();
    expect(await outboxBacklog(database)).toEqual({ pending: 2, failing: 1, oldestCreatedAt: NOW + 1 });
  });
});
