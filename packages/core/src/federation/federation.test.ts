import { afterEach, expect, test } from 'vitest';
import { TradewindError } from '../platform/errors.ts';
import { startFederation, type Federation, type FederationParts } from './federation.ts';
import { createFederationWorld, makeFlaky, type FederationWorld } from './testing/federation-world.ts';
import { seedOutbox } from './testing/seed-outbox.ts';
import { seedSubscription } from './testing/seed-subscription.ts';

const federations: Federation[] = [];

afterEach(async () => {
  await Promise.all(federations.splice(0).map((federation) => federation.stop()));
});

function start({ database, broker, clock, random, log }: FederationWorld, changes: Partial<FederationParts> = {}): Federation {
  const federation = startFederation({
    database,
    clock,
    random,
    log,
    openSource: ({ source }) => broker.openSource(source),
    publisher: broker.openPublisher(),
    onRunRequested: () => {},
    ...changes,
  });
  federations.push(federation);
  return federation;
}

async function addSubscription(world: FederationWorld, subscription: string): Promise<void> {
  world.broker.createQueue(subscription);
  await seedSubscription(world.database, {
    subscription,
    assets: [{ name: `asset-of-${subscription}`, dags: [{ dagId: `dag-${subscription}` }] }],
  });
}

async function statesOf({ database }: FederationWorld): Promise<Record<string, string>> {
  const rows = await database.reads.selectFrom('subscription').select(['name', 'state']).orderBy('name').execute();
  return Object.fromEntries(rows.map(({ name, state }) => [name, state]));
}

const setActive = (world: FederationWorld, name: string, isActive: number): Promise<unknown> =>
  world.database.reads.updateTable('subscription').set({ isActive }).where('name', '=', name).execute();

test('polls every subscription that a dag watches and no other', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'a');
  await addSubscription(world, 'b');
  await setActive(world, 'b', 0);
  start(world);
  await world.clock.advance(0);
  expect(await statesOf(world)).toEqual({ a: 'polling', b: 'stopped' });
});

test('starts and stops pollers when it hears that dags changed', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'a');
  const federation = start(world);
  await world.clock.advance(1_000);
  await addSubscription(world, 'b');
  await setActive(world, 'a', 0);
  await world.clock.advance(1_000);
  expect(await statesOf(world)).toEqual({ a: 'polling', b: 'stopped' });
  federation.refresh();
  await world.clock.advance(0);
  expect(await statesOf(world)).toEqual({ a: 'stopped', b: 'polling' });
});

test('finds a change that nobody announced within a minute', async () => {
  const world = await createFederationWorld();
  start(world);
  await world.clock.advance(1_000);
  await addSubscription(world, 'a');
  await world.clock.advance(60_000);
  expect(await statesOf(world)).toEqual({ a: 'polling' });
});

test('polls the new queue where the source of a subscription changed', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'a');
  world.broker.createQueue('moved');
  const federation = start(world);
  await world.clock.advance(0);
  await world.database.reads.updateTable('subscription').set({ source: 'moved' }).where('name', '=', 'a').execute();
  federation.refresh();
  world.broker.send('moved', { body: 'x' });
  await world.clock.runUntil(() => world.broker.remaining('moved') === 0);
  expect(await world.database.reads.selectFrom('inbox').select('subscription').execute()).toEqual([{ subscription: 'a' }]);
  expect(await statesOf(world)).toEqual({ a: 'polling' });
});

test('polls the new queue only after the poller of the old one has ended', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'a');
  world.broker.createQueue('moved');
  const acknowledged = Promise.withResolvers<void>();
  const openedQueues: string[] = [];
  const federation = start(world, {
    openSource: ({ source: queue }) => {
      openedQueues.push(queue);
      const source = world.broker.openSource(queue);
      return { ...source, acknowledge: (messages) => acknowledged.promise.then(() => source.acknowledge(messages)) };
    },
  });
  world.broker.send('a', { body: 'x' });
  await world.clock.advance(0);
  await world.database.reads.updateTable('subscription').set({ source: 'moved' }).where('name', '=', 'a').execute();
  federation.refresh();
  await world.clock.advance(0);
  expect(openedQueues).toEqual(['a']);
  acknowledged.resolve();
  await world.clock.advance(0);
  expect(openedQueues).toEqual(['a', 'moved']);
});

test('one queue in trouble does not touch the others', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'good');
  await seedSubscription(world.database, { subscription: 'missing', assets: [] });
  start(world);
  await world.clock.advance(0);
  expect(await statesOf(world)).toEqual({ good: 'polling', missing: 'blocked' });
  world.broker.send('good', { body: 'x' });
  await world.clock.runUntil(() => world.broker.remaining('good') === 0);
});

test('says stopped for a subscription whose poller died without a word', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'a');
  await world.database.reads.updateTable('subscription').set({ isActive: 0, state: 'polling' }).execute();
  start(world);
  await world.clock.advance(0);
  expect(await statesOf(world)).toEqual({ a: 'stopped' });
});

test('goes on with the subscriptions it knows while the database does not answer, and says so once', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'a');
  const database = makeFlaky(world.database);
  const federation = start(world, { database });
  await world.clock.advance(0);
  database.failWith(new TradewindError('database_unavailable', 'PostgreSQL does not answer'));
  await addSubscription(world, 'b');
  federation.refresh();
  await world.clock.advance(300_000);
  expect(world.logged.filter((line) => line.includes('subscriptions cannot be read'))).toHaveLength(1);
  database.failWith(undefined);
  await world.clock.advance(60_000);
  expect(await statesOf(world)).toEqual({ a: 'polling', b: 'polling' });
});

test('carries an event from one environment into a run request of another and wakes its scheduler', async () => {
  const world = await createFederationWorld(1, { duplicateFraction: 0.5 });
  await addSubscription(world, 'orders-queue');
  world.broker.subscribe('orders', 'orders-queue');
  const wakes: string[] = [];
  const activities: string[] = [];
  const federation = start(world, { onRunRequested: () => wakes.push('run'), onActivity: ({ type }) => activities.push(type) });
  await world.clock.advance(1_000);
  await seedOutbox(world.database, { ids: ['event-a'], now: world.clock.now(), data: { total: 3 } });
  federation.wake();
  await world.clock.runUntil(() => world.broker.remaining('orders-queue') === 0);
  const [event] = await world.database.reads
    .selectFrom('assetEvent')
    .innerJoin('inbox', 'inbox.id', 'assetEvent.inboxId')
    .select(['extra', 'eventId', 'eventSource', 'eventType'])
    .execute();
  expect(event).toEqual({ extra: '{"total":3}', eventId: 'event-a', eventSource: '/tradewind/sales/load', eventType: 'orders.completed' });
  expect(wakes).toEqual(['run']);
  expect(activities).toContain('event_published');
});

test('stop ends every poll at once, shows it, and closes the publisher', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'a');
  await addSubscription(world, 'b');
  let isClosed = false;
  const federation = start(world, { publisher: { ...world.broker.openPublisher(), close: () => (isClosed = true) } });
  await world.clock.advance(1_000);
  const before = world.clock.now();
  await federation.stop();
  expect(world.clock.now()).toBe(before);
  expect(await statesOf(world)).toEqual({ a: 'stopped', b: 'stopped' });
  expect(isClosed).toBe(true);
});

test('does next to nothing while nothing happens', async () => {
  const world = await createFederationWorld();
  await addSubscription(world, 'a');
  let transactions = 0;
  const database = {
    ...world.database,
    batch: ((statements) => {
      transactions += 1;
      return world.database.batch(statements);
    }) as typeof world.database.batch,
  };
  start(world, { database });
  await world.clock.advance(3_600_000);
  // Per minute: six looks at the outbox, two at the subscriptions, one sign of life.
  expect(transactions).toBeLessThan(60 * 10);
});
