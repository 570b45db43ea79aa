import { afterEach, describe, expect, test } from 'vitest';
import { TradewindError } from '../platform/errors.ts';
import type { EventPublisher, OutgoingEvent, PublishOutcome } from './publisher.ts';
import { startRelay, type Relay, type RelayParts } from './relay.ts';
import { createFederationWorld, makeFlaky, type FederationWorld } from './testing/federation-world.ts';
import { seedOutbox } from './testing/seed-outbox.ts';

const relays: Relay[] = [];

afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
});

async function createWorld(): Promise<FederationWorld> {
  const world = await createFederationWorld();
  world.broker.createQueue('inbox-of-peer');
  world.broker.subscribe('orders', 'inbox-of-peer');
  return world;
}

function start({ database, broker, clock, random, log }: FederationWorld, changes: Partial<RelayParts> = {}): Relay {
  const relay = startRelay({ database, publisher: broker.openPublisher(), clock, random, log, onActivity: () => {}, ...changes });
  relays.push(relay);
  return relay;
}

const outboxOf = ({ database }: FederationWorld) => database.reads.selectFrom('outbox').selectAll().orderBy('id').execute();
const unsentIn = async (world: FederationWorld): Promise<number> =>
  (await outboxOf(world)).filter(({ state }) => state === 'pending').length;
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `event-${String(index).padStart(3, '0')}`);

/** Reads everything that reached the peer's queue. */
async function eventsAtPeer({ broker }: FederationWorld): Promise<string[]> {
  const source = broker.openSource('inbox-of-peer');
  const received: string[] = [];
  for (;;) {
    const messages = await source.receive(new AbortController().signal, 0);
    if (messages.length === 0) return received.toSorted();
    received.push(...messages.map(({ body }) => (JSON.parse(body) as { id: string }).id));
  }
}

/** A publisher whose outcomes a test decides. */
function publisherThat(decide: (event: OutgoingEvent, signal: AbortSignal) => PublishOutcome | Promise<PublishOutcome>) {
  const published: string[] = [];
  const publisher: EventPublisher = {
    publish(events, signal) {
      published.push(...events.map(({ event }) => event.id));
      return Promise.all(events.map(async (event) => decide(event, signal)));
    },
    close() {},
  };
  return { publisher, published };
}

const SENT: PublishOutcome = { outcome: 'sent' };

describe('the relay', () => {
  test('publishes what is pending when it starts, ten at a time, and marks it as sent', async () => {
    const world = await createWorld();
    await seedOutbox(world.database, { ids: ids(25), now: world.clock.now() });
    const activities: unknown[] = [];
    const sizes: number[] = [];
    const publisher = world.broker.openPublisher();
    start(world, {
      onActivity: (activity) => activities.push(activity),
      publisher: {
        ...publisher,
        publish(events, signal) {
          sizes.push(events.length);
          return publisher.publish(events, signal);
        },
      },
    });
    await world.clock.advance(0);
    expect(await eventsAtPeer(world)).toEqual(ids(25));
    expect(sizes).toEqual([10, 10, 5]);
    const rows = await outboxOf(world);
    expect(rows.every(({ state, sentAt, attempts }) => state === 'sent' && sentAt === world.clock.now() && attempts === 1)).toBe(true);
    expect(activities[0]).toMatchObject({ type: 'event_published', eventId: 'event-000', assetName: 'orders' });
    expect(activities).toHaveLength(25);
  });

  test('publishes at once when it is woken', async () => {
    const world = await createWorld();
    const relay = start(world);
    await world.clock.advance(1_000);
    await seedOutbox(world.database, { ids: ['event-a'], now: world.clock.now() });
    relay.wake();
    await world.clock.advance(0);
    expect(await unsentIn(world)).toBe(0);
  });

  test('finds within ten seconds what another process committed', async () => {
    const world = await createWorld();
    start(world);
    await world.clock.advance(1_000);
    await seedOutbox(world.database, { ids: ['event-a'], now: world.clock.now() });
    await world.clock.advance(10_000);
    expect(await unsentIn(world)).toBe(0);
  });

  test('tries again later what failed, shows why, and forgets the reason when it is sent', async () => {
    const world = await createWorld();
    let failures = 3;
    const { publisher, published } = publisherThat(() =>
      failures-- > 0 ? { outcome: 'failed', reason: 'Throttled\u0000: slow down' } : SENT,
    );
    await seedOutbox(world.database, { ids: ['event-a'], now: world.clock.now() });
    start(world, { publisher });
    await world.clock.advance(0);
    expect(await outboxOf(world)).toMatchObject([{ state: 'pending', lastError: 'Throttled\u2400: slow down', attempts: 1 }]);
    await world.clock.advance(30_000);
    expect(published).toEqual(['event-a', 'event-a', 'event-a', 'event-a']);
    expect(await outboxOf(world)).toMatchObject([{ state: 'sent', lastError: null, attempts: 4 }]);
  });

  test('waits between attempts while the broker takes nothing, and says so once', async () => {
    const world = await createWorld();
    world.broker.failWith(new Error('connect ECONNREFUSED'));
    await seedOutbox(world.database, { ids: ids(50), now: world.clock.now() });
    const publisher = world.broker.openPublisher();
    let requests = 0;
    const counting: EventPublisher = {
      ...publisher,
      publish(events, signal) {
        requests += 1;
        return publisher.publish(events, signal);
      },
    };
    start(world, { publisher: counting });
    await world.clock.advance(600_000);
    expect(requests).toBeLessThan(80);
    expect(world.logged.filter((line) => line.includes('cannot be published'))).toHaveLength(1);
    world.broker.failWith(undefined);
    await world.clock.advance(120_000);
    expect(await eventsAtPeer(world)).toEqual(ids(50));
    expect(world.logged.join('')).toContain('published again');
  });

  test('lets others pass an event that is blocked, keeps it and looks again within five minutes', async () => {
    const world = await createWorld();
    await seedOutbox(world.database, { ids: ['event-a'], topic: 'missing', now: world.clock.now() });
    await seedOutbox(world.database, { ids: ids(30), now: world.clock.now() });
    start(world);
    await world.clock.advance(0);
    expect(await eventsAtPeer(world)).toEqual(ids(30));
    await world.clock.advance(3_600_000);
    const blocked = (await outboxOf(world)).find(({ state }) => state === 'pending');
    expect(blocked).toMatchObject({ id: 'event-a', lastError: 'the topic missing does not exist' });
    // Full jitter under five minutes: two and a half on average.
    expect(blocked?.attempts).toBeGreaterThan(15);
    expect(blocked?.attempts).toBeLessThan(50);
    world.broker.subscribe('missing', 'inbox-of-peer');
    await world.clock.advance(300_000);
    expect(await unsentIn(world)).toBe(0);
  });

  test('keeps a row whose event is not readable, with the reason, and publishes the others', async () => {
    const world = await createWorld();
    await seedOutbox(world.database, { ids: ids(3), now: world.clock.now() });
    await world.database.reads.updateTable('outbox').set({ envelope: '{' }).where('id', '=', 'event-001').execute();
    start(world);
    await world.clock.advance(0);
    expect(await eventsAtPeer(world)).toEqual(['event-000', 'event-002']);
    expect((await outboxOf(world))[1]).toMatchObject({ state: 'pending', lastError: 'the stored event is not readable JSON' });
  });

  test('marks and postpones the right events of one request', async () => {
    const world = await createWorld();
    const outcomes: Readonly<Record<string, PublishOutcome>> = {
      'event-001': { outcome: 'blocked', reason: 'too long' },
      'event-003': { outcome: 'failed', reason: 'busy' },
    };
    const { publisher } = publisherThat(({ event }) => outcomes[event.id] ?? SENT);
    await seedOutbox(world.database, { ids: ids(5), now: world.clock.now() });
    start(world, { publisher });
    await world.clock.advance(0);
    expect((await outboxOf(world)).map(({ state, lastError }) => lastError ?? state)).toEqual(['sent', 'too long', 'sent', 'busy', 'sent']);
  });

  test('lives on when the publisher throws or the database does not answer', async () => {
    const world = await createWorld();
    const database = makeFlaky(world.database);
    let isBroken = true;
    const publisher = world.broker.openPublisher();
    const throwing: EventPublisher = {
      ...publisher,
      publish: (events, signal) => (isBroken ? Promise.reject(new TypeError('a bug')) : publisher.publish(events, signal)),
    };
    await seedOutbox(world.database, { ids: ids(3), now: world.clock.now() });
    start(world, { database, publisher: throwing });
    await world.clock.advance(1_000);
    database.failWith(new TradewindError('database_unavailable', 'PostgreSQL does not answer'));
    await world.clock.advance(10_000);
    isBroken = false;
    database.failWith(undefined);
    await world.clock.advance(120_000);
    expect(await unsentIn(world)).toBe(0);
  });
});

describe('a relay that dies or stops', () => {
  test('between publish and mark leaves events that are published again with the same id', async () => {
    const world = await createWorld();
    await seedOutbox(world.database, { ids: ids(3), now: world.clock.now() });
    const published = Promise.withResolvers<void>();
    const publisher = world.broker.openPublisher();
    const dying: EventPublisher = {
      ...publisher,
      async publish(events, signal) {
        await publisher.publish(events, signal);
        published.resolve();
        return new Promise<never>(() => {});
      },
    };
    // It is not stopped: it waits for its publisher for ever, as the dead do.
    const { database, clock, random, log } = world;
    startRelay({ database, publisher: dying, clock, random, log, onActivity: () => {} });
    await published.promise;
    start(world);
    await world.clock.advance(29_000);
    expect(await unsentIn(world)).toBe(3);
    await world.clock.advance(11_000);
    expect(await unsentIn(world)).toBe(0);
    expect(await eventsAtPeer(world)).toEqual(['event-000', 'event-000', 'event-001', 'event-001', 'event-002', 'event-002']);
  });

  test('when it is stopped ends the request, and what was not sent is due at once for the next', async () => {
    const world = await createWorld();
    await seedOutbox(world.database, { ids: ids(2), now: world.clock.now() });
    const { publisher, published } = publisherThat(
      (_event, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve({ outcome: 'failed', reason: 'stopped' });
          });
        }),
    );
    const relay = start(world, { publisher });
    await world.clock.advance(5_000);
    expect(published).toEqual(['event-000', 'event-001']);
    await relay.stop();
    expect((await outboxOf(world)).map(({ nextAttemptAt }) => nextAttemptAt)).toEqual([world.clock.now(), world.clock.now()]);
    start(world);
    await world.clock.advance(0);
    expect(await unsentIn(world)).toBe(0);
  });
});

test('two relays share the work and send each event once', async () => {
  const world = await createWorld();
  await seedOutbox(world.database, { ids: ids(95), now: world.clock.now() });
  start(world);
  start(world);
  await world.clock.advance(0);
  expect(await eventsAtPeer(world)).toEqual(ids(95));
});
