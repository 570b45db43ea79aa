import { expect, test } from 'vitest';
import { SEEDED_SUBSCRIPTION, seedSubscription } from '../../federation/testing/seed-subscription.ts';
import type { Database } from '../database.ts';
import { describeDatabases, describePostgres } from '../testing/describe-databases.ts';
import { receiveMessages, type Receipt } from './receive-messages.ts';

const NOW = 1_700_000_000_000;

/** A receipt of one message that is one event and asks for one run. */
function receipt(key: string, { id = `inbox-${key}`, ...changes }: Partial<Receipt> = {}): Receipt {
  return {
    id,
    subscription: SEEDED_SUBSCRIPTION,
    dedupeKey: key,
    status: 'accepted',
    reason: null,
    messageId: `message-${key}`,
    body: '{"total":1}',
    attributes: '{}',
    eventId: key,
    eventSource: 'sqs:orders-queue',
    eventType: 'com.amazonaws.sqs.message',
    receivedAt: NOW,
    duplicates: 0,
    assetEvents: [{ eventKey: `event-${key}`, assetId: 1, extra: '{"total":1}', occurredAt: NOW }],
    runRequests: [
      {
        id: `run-of-${id}`,
        dagId: 'load-orders',
        runId: `asset_triggered__${key}`,
        eventKey: `event-${key}`,
        conf: '{}',
        state: 'pending',
        reason: null,
      },
    ],
    ...changes,
  };
}

const countRows = async (database: Database) => ({
  inbox: (await database.reads.selectFrom('inbox').select('id').execute()).length,
  assetEvents: (await database.reads.selectFrom('assetEvent').select('id').execute()).length,
  runRequests: (await database.reads.selectFrom('runRequest').select('id').execute()).length,
});

describeDatabases('receiveMessages', (open) => {
  test('stores a message with the events and requests that follow from it', async () => {
    const database = await open();
    await seedSubscription(database);
    const [inbox, , requests] = await database.batch(receiveMessages([receipt('a'), receipt('b')]));
    expect(inbox.toSorted((x, y) => (x.id < y.id ? -1 : 1))).toEqual([
      { id: 'inbox-a', dedupeKey: 'a' },
      { id: 'inbox-b', dedupeKey: 'b' },
    ]);
    expect(requests.map(({ state }) => state)).toEqual(['pending', 'pending']);
    expect(await countRows(database)).toEqual({ inbox: 2, assetEvents: 2, runRequests: 2 });
    expect(await database.reads.selectFrom('subscription').select(['lastMessageAt', 'lastPollAt']).execute()).toEqual([
      { lastMessageAt: NOW, lastPollAt: NOW },
    ]);
  });

  test('counts a message that comes again and creates nothing from it', async () => {
    const database = await open();
    await seedSubscription(database);
    await database.batch(receiveMessages([receipt('a')]));
    const again = receipt('a', { id: 'inbox-2', receivedAt: NOW + 5, duplicates: 2 });
    // Whoever received it this time knew another dag on another asset.
    const assetEvents = [{ eventKey: 'another', assetId: 1, extra: 'null', occurredAt: NOW }];
    const runRequests = again.runRequests.map((request) => ({ ...request, dagId: 'another' }));
    const [inbox, , requests] = await database.batch(receiveMessages([{ ...again, assetEvents, runRequests }]));
    expect(inbox).toEqual([{ id: 'inbox-a', dedupeKey: 'a' }]);
    expect(requests).toEqual([]);
    expect(await countRows(database)).toEqual({ inbox: 1, assetEvents: 1, runRequests: 1 });
    expect(await database.reads.selectFrom('inbox').select(['duplicates', 'lastDuplicateAt', 'receivedAt']).execute()).toEqual([
      { duplicates: 3, lastDuplicateAt: NOW + 5, receivedAt: NOW },
    ]);
  });

  test('changes nothing when the same receipts are written twice, as after a commit whose outcome was unknown', async () => {
    const database = await open();
    await seedSubscription(database);
    const receipts = [receipt('a', { duplicates: 1 }), receipt('b')];
    await database.batch(receiveMessages(receipts));
    const before = await database.reads.selectFrom('inbox').selectAll().orderBy('id').execute();
    await database.batch(receiveMessages(receipts));
    expect(await database.reads.selectFrom('inbox').selectAll().orderBy('id').execute()).toEqual(before);
    expect(await countRows(database)).toEqual({ inbox: 2, assetEvents: 2, runRequests: 2 });
  });

  test('keeps messages of two subscriptions apart although their keys are the same', async () => {
    const database = await open();
    await seedSubscription(database);
    await seedSubscription(database, { subscription: 'other-queue', assets: [] });
    const other = receipt('a', { id: 'inbox-other', subscription: 'other-queue', assetEvents: [], runRequests: [], status: 'unmatched' });
    await database.batch(receiveMessages([receipt('a'), other]));
    expect(await database.reads.selectFrom('inbox').select(['subscription', 'duplicates']).orderBy('subscription').execute()).toEqual([
      { subscription: SEEDED_SUBSCRIPTION, duplicates: 0 },
      { subscription: 'other-queue', duplicates: 0 },
    ]);
  });

  test('stores nothing at all where one part cannot be stored', async () => {
    const database = await open();
    await seedSubscription(database);
    const ofMissingAsset = receipt('b', { assetEvents: [{ eventKey: 'event-b', assetId: 99, extra: 'null', occurredAt: NOW }] });
    await expect(database.batch(receiveMessages([receipt('a'), ofMissingAsset]))).rejects.toThrow();
    expect(await countRows(database)).toEqual({ inbox: 0, assetEvents: 0, runRequests: 0 });
  });

  test('keeps a body with quotes, backslashes, escapes and other scripts as it came', async () => {
    const database = await open();
    await seedSubscription(database);
    const body = '{"a":"\\u0000 \\ud800 \\"x\\"","b":"ÄЖ漢🚀␀"}\n\t\\';
    await database.batch(receiveMessages([receipt('a', { body, attributes: '{"x":"\\u0000"}' })]));
    expect(await database.reads.selectFrom('inbox').select(['body', 'attributes']).execute()).toEqual([
      { body, attributes: '{"x":"\\u0000"}' },
    ]);
  });
});

test('receiveMessages locks the messages of a delivery in the order of their keys', () => {
  const [insertInbox] = receiveMessages([receipt('b'), receipt('c'), receipt('a')]);
  const rows = JSON.parse(String(insertInbox.values[0])) as { dedupe_key: string }[];
  expect(rows.map(({ dedupe_key: key }) => key)).toEqual(['a', 'b', 'c']);
});

describePostgres('receiveMessages', (open) => {
  test('makes one run of each message when two consumers race with the same messages in different orders', async () => {
    const [one, two] = [await open(), await open()];
    await seedSubscription(one);
    for (let round = 0; round < 20; round += 1) {
      const keys = Array.from({ length: 10 }, (_, index) => `${round}-${index}`);
      await Promise.all([
        one.batch(receiveMessages(keys.map((key) => receipt(key, { id: `one-${key}` })))),
        two.batch(receiveMessages(keys.toReversed().map((key) => receipt(key, { id: `two-${key}` })))),
      ]);
    }
    expect(await countRows(one)).toEqual({ inbox: 200, assetEvents: 200, runRequests: 200 });
    const rows = await one.reads
      .selectFrom('inbox')
      .innerJoin('runRequest', 'runRequest.inboxId', 'inbox.id')
      .innerJoin('assetEvent', 'assetEvent.inboxId', 'inbox.id')
      .select(['inbox.id', 'duplicates', 'runRequest.id as requestId'])
      .execute();
    expect(rows.every(({ id, duplicates, requestId }) => duplicates === 1 && requestId === `run-of-${id}`)).toBe(true);
    expect(rows).toHaveLength(200);
  });
});
