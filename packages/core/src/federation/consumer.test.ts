import { afterEach, describe, expect, test } from 'vitest';
import { TradewindError } from '../platform/errors.ts';
import { subscriptionBalances } from '../store/reads/federation.ts';
import { startConsumer, type Consumer, type ConsumerParts } from './consumer.ts';
import type { EventSource, ReceivedMessage } from './source.ts';
import { createFederationWorld, makeFlaky, type FederationWorld } from './testing/federation-world.ts';
import { SEEDED_SUBSCRIPTION as QUEUE, seedSubscription, type SeededSubscription } from './testing/seed-subscription.ts';

const consumers: Consumer[] = [];

afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
});

async function createWorld(
  seeded: SeededSubscription = {},
  behaviour: Parameters<typeof createFederationWorld>[1] = {},
): Promise<FederationWorld> {
  const world = await createFederationWorld(1, behaviour);
  await seedSubscription(world.database, seeded);
  world.broker.createQueue(QUEUE);
  return world;
}

function consume(world: FederationWorld, changes: Partial<ConsumerParts> = {}): Consumer {
  const consumer = startConsumer({
    subscription: QUEUE,
    source: world.broker.openSource(QUEUE),
    database: world.database,
    clock: world.clock,
    random: world.random,
    log: world.log,
    onRunRequested: () => {},
    onActivity: () => {},
    ...changes,
  });
  consumers.push(consumer);
  return consumer;
}

const inboxOf = ({ database }: FederationWorld) => database.reads.selectFrom('inbox').selectAll().orderBy('id').execute();
const requestsOf = ({ database }: FederationWorld) => database.reads.selectFrom('runRequest').selectAll().orderBy('id').execute();
const subscriptionOf = ({ database }: FederationWorld) =>
  database.reads.selectFrom('subscription').selectAll().where('name', '=', QUEUE).executeTakeFirstOrThrow();
const balanceOf = async ({ database }: FederationWorld) => (await subscriptionBalances(database))[0];

/** Lets time pass until the queue is empty: everything was acknowledged. */
const drain = ({ clock, broker }: FederationWorld): Promise<void> => clock.runUntil(() => broker.remaining(QUEUE) === 0);

/** Counts how often the source is asked. */
function counting(source: EventSource): EventSource & { receives: number } {
  return {
    ...source,
    receives: 0,
    receive(signal, waitSeconds) {
      this.receives += 1;
      return source.receive(signal, waitSeconds);
    },
  };
}

describe('a message', () => {
  test('becomes one run request, is acknowledged after that, and wakes whoever makes runs', async () => {
    const world = await createWorld();
    let wakes = 0;
    const activities: unknown[] = [];
    consume(world, { onRunRequested: () => (wakes += 1), onActivity: (activity) => activities.push(activity) });
    const messageId = world.broker.send(QUEUE, { body: '{"total":1}' });
    await drain(world);
    expect(await requestsOf(world)).toMatchObject([{ dagId: 'load-orders', state: 'pending' }]);
    expect(wakes).toBe(1);
    expect(activities).toEqual([{ type: 'message_received', subscription: QUEUE, messageId, outcome: 'accepted' }]);
  });

  test('is not acknowledged before it is committed', async () => {
    const world = await createWorld();
    const database = makeFlaky(world.database);
    consume(world, { database });
    await world.clock.advance(0);
    database.failWith(new TradewindError('database_unavailable', 'PostgreSQL does not answer'));
    world.broker.send(QUEUE, { body: 'x' });
    await world.clock.advance(25_000);
    expect(world.broker.remaining(QUEUE)).toBe(1);
    expect(await inboxOf(world)).toEqual([]);
    database.failWith(undefined);
    await drain(world);
    expect(await requestsOf(world)).toHaveLength(1);
  });

  test('that nobody watches for wakes nobody', async () => {
    const world = await createWorld({ assets: [{ name: 'orders', eventType: 'other', dags: [{ dagId: 'load-orders' }] }] });
    let wakes = 0;
    consume(world, { onRunRequested: () => (wakes += 1) });
    world.broker.send(QUEUE, { body: 'x' });
    await drain(world);
    expect(await inboxOf(world)).toMatchObject([{ status: 'unmatched' }]);
    expect(wakes).toBe(0);
  });

  test('that is malformed goes to quarantine and the messages after it go on', async () => {
    const world = await createWorld();
    consume(world);
    world.broker.send(QUEUE, { body: '{"specversion":"1.0"}' });
    world.broker.send(QUEUE, { body: 'good' });
    await drain(world);
    expect((await inboxOf(world)).map(({ status }) => status)).toEqual(['quarantined', 'accepted']);
  });

  test('that comes again is recorded as a duplicate of the first and acknowledged', async () => {
    const world = await createWorld();
    const outcomes: string[] = [];
    consume(world, { onActivity: (activity) => outcomes.push(activity.type === 'message_received' ? activity.outcome : '') });
    const event = JSON.stringify({ specversion: '1.0', id: 'e-1', source: '/sales', type: 't' });
    for (let copy = 0; copy < 15; copy += 1) world.broker.send(QUEUE, { body: event });
    await drain(world);
    // Ten copies in the first delivery are one message, five in the second are one duplicate.
    expect(outcomes).toEqual(['accepted', 'duplicate']);
    expect(await inboxOf(world)).toMatchObject([{ duplicates: 14 }]);
    expect(await requestsOf(world)).toHaveLength(1);
  });

  test('whose acknowledgement fails comes back as a duplicate, and the log says so', async () => {
    const world = await createWorld({}, { failedAcknowledgementFraction: 0.5 });
    consume(world);
    for (let count = 0; count < 20; count += 1) world.broker.send(QUEUE, { body: `message ${count}` });
    await drain(world);
    expect(await requestsOf(world)).toHaveLength(20);
    expect((await balanceOf(world))?.deduplicated).toBeGreaterThan(0);
    expect(world.logged.join('')).toContain('will deliver messages again');
  });

  test('uses the dags as they are when it comes, not as they were when the poller started', async () => {
    const world = await createWorld({ assets: [] });
    consume(world);
    world.broker.send(QUEUE, { body: 'early' });
    await drain(world);
    await seedSubscription(world.database, { subscription: 'other', assets: [{ name: 'orders', dags: [{ dagId: 'load-orders' }] }] });
    const { id: assetId } = await world.database.reads.selectFrom('asset').select('id').executeTakeFirstOrThrow();
    await world.database.reads.insertInto('assetWatcher').values({ assetId, subscription: QUEUE, eventType: null }).execute();
    world.broker.send(QUEUE, { body: 'late' });
    await drain(world);
    expect((await inboxOf(world)).map(({ body, status }) => [body, status])).toEqual([
      ['early', 'unmatched'],
      ['late', 'accepted'],
    ]);
  });

  test('starts no dag that is gone from its file', async () => {
    const world = await createWorld({ assets: [{ name: 'orders', dags: [{ dagId: 'gone', isStale: true }, { dagId: 'here' }] }] });
    consume(world);
    world.broker.send(QUEUE, { body: 'x' });
    await drain(world);
    expect((await requestsOf(world)).map(({ dagId }) => dagId)).toEqual(['here']);
  });
});

describe('a message that cannot be stored', () => {
  test('goes to quarantine alone, with the reason, while the others of its delivery run', async () => {
    const world = await createWorld();
    const poison = '{"poison":true}';
    const database = {
      ...world.database,
      batch: ((statements) => {
        const isPoisoned = statements.some(
          ({ name, values }) => name === 'insert_received_asset_events' && String(values[0]).includes('poison'),
        );
        return isPoisoned ? Promise.reject(new Error('value too strange')) : world.database.batch(statements);
      }) as typeof world.database.batch,
    };
    for (const body of ['a', poison, 'b']) world.broker.send(QUEUE, { body });
    consume(world, { database });
    await drain(world);
    expect((await inboxOf(world)).map(({ body, status, reason }) => [body, status, reason])).toEqual([
      ['a', 'accepted', null],
      [poison, 'quarantined', 'the message could not be stored: value too strange'],
      ['b', 'accepted', null],
    ]);
    expect(await requestsOf(world)).toHaveLength(2);
  });
});

test("a fault in what the environment itself has stored is nobody's message: it backs off, and nothing goes to quarantine", async () => {
  const world = await createWorld();
  const { serialized } = await world.database.reads.selectFrom('dagVersion').select('serialized').executeTakeFirstOrThrow();
  await world.database.reads.updateTable('dagVersion').set({ serialized: '{' }).execute();
  consume(world);
  world.broker.send(QUEUE, { body: 'x' });
  await world.clock.advance(60_000);
  expect(await inboxOf(world)).toEqual([]);
  expect(world.logged.join('')).toMatch(/backing-off.*JSON/);
  await world.database.reads.updateTable('dagVersion').set({ serialized }).execute();
  await drain(world);
  expect(await requestsOf(world)).toHaveLength(1);
});

test('an asset that goes away between the read and the commit costs no message its run', async () => {
  const world = await createWorld({
    assets: [
      { name: 'orders', dags: [{ dagId: 'load-orders' }] },
      { name: 'brief', dags: [{ dagId: 'load-orders' }] },
    ],
  });
  let isFirst = true;
  const database = {
    ...world.database,
    batch: (async (statements) => {
      if (isFirst && statements.some(({ name }) => name === 'insert_inbox')) {
        isFirst = false;
        const brief = await world.database.reads.selectFrom('asset').select('id').where('name', '=', 'brief').executeTakeFirstOrThrow();
        await world.database.reads.deleteFrom('dagScheduleAsset').where('assetId', '=', brief.id).execute();
        await world.database.reads.deleteFrom('assetWatcher').where('assetId', '=', brief.id).execute();
        await world.database.reads.deleteFrom('asset').where('id', '=', brief.id).execute();
      }
      return world.database.batch(statements);
    }) as typeof world.database.batch,
  };
  consume(world, { database });
  world.broker.send(QUEUE, { body: 'x' });
  await drain(world);
  expect(await inboxOf(world)).toMatchObject([{ status: 'accepted', duplicates: 0 }]);
  expect(await requestsOf(world)).toHaveLength(1);
});

describe('while the database does not answer', () => {
  test('nothing is received, what is in hand stays in hand, and its receive count does not rise', async () => {
    const world = await createWorld({}, { visibilityTimeoutMs: 3_600_000 });
    const database = makeFlaky(world.database);
    const source = counting(world.broker.openSource(QUEUE));
    consume(world, { database, source });
    await world.clock.advance(0);
    database.failWith(new TradewindError('database_unavailable', 'PostgreSQL does not answer'));
    world.broker.send(QUEUE, { body: 'x' });
    await world.clock.advance(0);
    const { receives } = source;
    await world.clock.advance(600_000);
    expect(source.receives).toBe(receives);
    expect(world.logged.filter((line) => line.includes('backing-off'))).toHaveLength(1);
    database.failWith(undefined);
    await drain(world);
    const [row] = await inboxOf(world);
    expect(JSON.parse(row?.attributes ?? '')).toMatchObject({ 'sqs:ApproximateReceiveCount': '1' });
  });

  test('a commit whose answer was lost is not counted as a duplicate of itself', async () => {
    const world = await createWorld();
    const database = makeFlaky(world.database);
    consume(world, { database });
    await world.clock.advance(0);
    database.failWith(new TradewindError('database_unavailable', 'the connection broke'), 'afterCommit');
    world.broker.send(QUEUE, { body: 'x' });
    await world.clock.advance(5_000);
    database.failWith(undefined);
    await drain(world);
    expect(await inboxOf(world)).toMatchObject([{ duplicates: 0 }]);
    expect(await requestsOf(world)).toHaveLength(1);
  });
});

describe('the state', () => {
  test('is polling as soon as the broker has answered, without waiting for a message', async () => {
    const world = await createWorld();
    consume(world);
    await world.clock.advance(0);
    expect(await subscriptionOf(world)).toMatchObject({ state: 'polling', reason: null, lastPollAt: world.clock.now() });
  });

  test('is blocked, with the reason, where a person must help, and polls again by itself when they have', async () => {
    const world = await createWorld();
    world.broker.failWith(new TradewindError('not_found', 'the queue orders-queue does not exist. Create it.'));
    consume(world);
    await world.clock.advance(60_000);
    expect(await subscriptionOf(world)).toMatchObject({ state: 'blocked', reason: 'the queue orders-queue does not exist. Create it.' });
    world.broker.failWith(undefined);
    await world.clock.advance(30_000);
    expect(await subscriptionOf(world)).toMatchObject({ state: 'polling', reason: null });
    const lines = world.logged.filter((line) => line.includes('subscription '));
    expect(lines.map((line) => /subscription (\S+)/.exec(line)?.[1])).toEqual(['blocked', 'polling']);
  });

  test('is backing-off, with the reason, where time may help', async () => {
    const world = await createWorld();
    world.broker.failWith(new Error('socket hang up'));
    consume(world);
    await world.clock.advance(1_000);
    expect(await subscriptionOf(world)).toMatchObject({ state: 'backing-off', reason: 'socket hang up' });
  });

  test('waits longer with every failure, up to 30 seconds', async () => {
    const world = await createWorld();
    world.broker.failWith(new Error('socket hang up'));
    const source = counting(world.broker.openSource(QUEUE));
    consume(world, { source });
    await world.clock.advance(3_600_000);
    // Full jitter waits 15 seconds on average once it has grown: about 240 in an hour.
    expect(source.receives).toBeGreaterThan(200);
    expect(source.receives).toBeLessThan(300);
  });

  test('forgets earlier failures once the broker has answered', async () => {
    const world = await createWorld();
    world.broker.failWith(new Error('socket hang up'));
    const source = counting(world.broker.openSource(QUEUE));
    consume(world, { source });
    await world.clock.advance(600_000);
    world.broker.failWith(undefined);
    await world.clock.advance(60_000);
    world.broker.failWith(new Error('socket hang up'));
    const { receives } = source;
    await world.clock.advance(25_000);
    expect(source.receives - receives).toBeGreaterThan(5);
  });

  test('is stopped after a stop', async () => {
    const world = await createWorld();
    const consumer = consume(world);
    await world.clock.advance(0);
    await consumer.stop();
    expect(await subscriptionOf(world)).toMatchObject({ state: 'stopped' });
  });

  test('is written once a minute while nothing comes', async () => {
    const world = await createWorld();
    let writes = 0;
    const database = {
      ...world.database,
      batch: ((statements) => {
        writes += 1;
        return world.database.batch(statements);
      }) as typeof world.database.batch,
    };
    const source = counting(world.broker.openSource(QUEUE));
    consume(world, { database, source });
    await world.clock.advance(3_600_000);
    expect(writes).toBeLessThanOrEqual(61);
    expect(writes).toBeGreaterThan(55);
    expect(source.receives).toBeLessThanOrEqual(182);
    expect(world.clock.now() - ((await subscriptionOf(world)).lastPollAt ?? 0)).toBeLessThanOrEqual(60_000);
  });

  test('is written later where it cannot be written at once', async () => {
    const world = await createWorld();
    const database = makeFlaky(world.database);
    database.failWith(new TradewindError('database_full', 'the disk is full'));
    consume(world, { database });
    await world.clock.advance(10_000);
    expect(await subscriptionOf(world)).toMatchObject({ state: 'stopped' });
    database.failWith(undefined);
    await world.clock.advance(20_000);
    expect(await subscriptionOf(world)).toMatchObject({ state: 'polling' });
  });
});

describe('stop', () => {
  test('ends the wait for messages at once', async () => {
    const world = await createWorld();
    const consumer = consume(world);
    await world.clock.advance(1_000);
    const before = world.clock.now();
    await consumer.stop();
    expect(world.clock.now()).toBe(before);
  });

  test('records and acknowledges what is in hand first', async () => {
    const world = await createWorld();
    const received = Promise.withResolvers<void>();
    const source = world.broker.openSource(QUEUE);
    const slow: EventSource = {
      ...source,
      async receive(signal, waitSeconds): Promise<readonly ReceivedMessage[]> {
        const messages = await source.receive(signal, waitSeconds);
        if (messages.length > 0) received.resolve();
        return messages;
      },
    };
    world.broker.send(QUEUE, { body: 'x' });
    const consumer = consume(world, { source: slow });
    await received.promise;
    await consumer.stop();
    expect(world.broker.remaining(QUEUE)).toBe(0);
    expect(await requestsOf(world)).toHaveLength(1);
  });

  test('does not wait for a database that does not answer; the message comes again later', async () => {
    const world = await createWorld();
    const database = makeFlaky(world.database);
    const consumer = consume(world, { database });
    await world.clock.advance(0);
    database.failWith(new TradewindError('database_unavailable', 'PostgreSQL does not answer'));
    world.broker.send(QUEUE, { body: 'x' });
    await world.clock.advance(60_000);
    await consumer.stop();
    expect(world.broker.remaining(QUEUE)).toBe(1);
    consume(world);
    await drain(world);
    expect(await requestsOf(world)).toHaveLength(1);
  });
});

test('two consumers on one queue, with duplicates and in any order, make one run of each event', async () => {
  const world = await createWorld({}, { duplicateFraction: 0.3, isReordering: true, failedAcknowledgementFraction: 0.2 });
  consume(world);
  consume(world);
  for (let count = 0; count < 200; count += 1) {
    world.broker.send(QUEUE, { body: JSON.stringify({ specversion: '1.0', id: `e-${count}`, source: '/sales', type: 't' }) });
  }
  await drain(world);
  expect(new Set((await requestsOf(world)).map(({ runId }) => runId)).size).toBe(200);
  expect(await requestsOf(world)).toHaveLength(200);
  const balance = await balanceOf(world);
  expect(balance).toMatchObject({ pending: 200, unmatched: 0, quarantined: 0 });
  expect(balance?.received).toBe(200 + (balance?.deduplicated ?? 0));
});
