import { expect, test } from 'vitest';
import { TradewindError } from '../platform/errors.ts';
import type { Database } from '../store/database.ts';
import { subscriptionBalances } from '../store/reads/federation.ts';
import { startConsumer } from './consumer.ts';
import type { EventSource } from './source.ts';
import { createFederationWorld, type FederationWorld } from './testing/federation-world.ts';
import { seedSubscription } from './testing/seed-subscription.ts';

/** Where a consumer can die: at each thing that it waits for, before it happens or after it happened and before the consumer knows. */
const DEATHS = [
  'after receive',
  'before read',
  'after read',
  'before commit',
  'after commit',
  'before acknowledge',
  'after part of acknowledge',
  'after acknowledge',
] as const;
type Death = (typeof DEATHS)[number];

const SEEDS = 200;
const EVENTS = 15;
/** How many transactions fail, and how many succeed without their answer. */
const LOST_FRACTION = 0.1;
const DAGS = ['load-orders', 'report-orders'];

/** A process that is dead does not go on: whatever it waits for never comes. */
const never = new Promise<never>(() => {});

/** What a consumer has of its world until the moment of its death. */
interface MortalWorld {
  readonly database: Database;
  readonly source: EventSource;
  readonly died: Promise<void>;
}

function createMortalWorld({ database, broker, random }: FederationWorld, queue: string, death: Death | undefined): MortalWorld {
  const died = Promise.withResolvers<void>();
  const deliveriesBefore = Math.floor(random.fraction() * 2);
  let deliveries = 0;
  const dieAt = async (point: Death): Promise<void> => {
    if (point !== death || deliveries <= deliveriesBefore) return;
    died.resolve();
    await never;
  };
  const source = broker.openSource(queue);
  return {
    died: died.promise,
    source: {
      ...source,
      async receive(signal, waitSeconds) {
        const messages = await source.receive(signal, waitSeconds);
        if (messages.length > 0) deliveries += 1;
        await dieAt('after receive');
        return messages;
      },
      async acknowledge(messages) {
        await dieAt('before acknowledge');
        if (death === 'after part of acknowledge') await source.acknowledge(messages.slice(0, messages.length / 2));
        await dieAt('after part of acknowledge');
        const failed = await source.acknowledge(messages);
        await dieAt('after acknowledge');
        return failed;
      },
    },
    database: {
      ...database,
      async batch(statements) {
        const isRead = statements.some(({ name }) => name === 'select_subscription_bindings');
        await dieAt(isRead ? 'before read' : 'before commit');
        if (random.fraction() < LOST_FRACTION) throw new TradewindError('database_unavailable', 'the connection broke before the commit');
        const rows = await database.batch(statements);
        await dieAt(isRead ? 'after read' : 'after commit');
        if (random.fraction() < LOST_FRACTION) throw new TradewindError('database_unavailable', 'the connection broke after the commit');
        return rows;
      },
    },
  };
}

function startMortal(world: FederationWorld, queue: string, death: Death | undefined): MortalWorld & { stop(): Promise<void> } {
  const mortal = createMortalWorld(world, queue, death);
  const consumer = startConsumer({
    subscription: queue,
    source: mortal.source,
    database: mortal.database,
    clock: world.clock,
    random: world.random,
    log: world.log,
    onRunRequested: () => {},
    onActivity: () => {},
  });
  return { ...mortal, stop: () => consumer.stop() };
}

/** Makes runs of some requests, as a scheduler would meanwhile. */
async function createSomeRuns({ database, random }: FederationWorld, queue: string): Promise<void> {
  const pending = await database.reads
    .selectFrom('inbox')
    .innerJoin('runRequest', 'runRequest.inboxId', 'inbox.id')
    .select('runRequest.id')
    .where('inbox.subscription', '=', queue)
    .where('runRequest.state', '=', 'pending')
    .execute();
  for (const { id } of pending) {
    if (random.fraction() < 0.5) await database.reads.updateTable('runRequest').set({ state: 'created' }).where('id', '=', id).execute();
  }
}

/** Returns how many consumers died. */
async function live(world: FederationWorld, queue: string, death: Death): Promise<number> {
  const { broker, clock, random } = world;
  for (let event = 0; event < EVENTS; event += 1) {
    broker.send(queue, { body: JSON.stringify({ specversion: '1.0', id: `e-${event}`, source: '/sales', type: 'orders' }) });
  }
  let deaths = 0;
  const secondDeath = DEATHS[Math.floor(random.fraction() * DEATHS.length)];
  for (const current of [death, secondDeath]) {
    const mortal = startMortal(world, queue, current);
    let isDead = false;
    void mortal.died.then(() => (isDead = true));
    // The dead one is left where it is: nobody stops it, and nothing that it holds is given back.
    await clock.runUntil(() => isDead || broker.remaining(queue) === 0);
    if (isDead) deaths += 1;
    else await Promise.race([mortal.stop(), mortal.died]);
    await createSomeRuns(world, queue);
  }
  const survivor = startMortal(world, queue, undefined);
  await clock.runUntil(() => broker.remaining(queue) === 0);
  await survivor.stop();
  return deaths;
}

test.each(DEATHS)(
  'a consumer that dies %s loses nothing and runs nothing twice',
  async (death) => {
    const { database } = await createFederationWorld();
    let deaths = 0;
    for (const seed of seeds()) {
      const behaviour = { duplicateFraction: 0.2, failedAcknowledgementFraction: 0.1, isReordering: true };
      const world = await createFederationWorld(seed, behaviour, database);
      world.broker.createQueue(queueOf(seed));
      await seedSubscription(database, {
        subscription: queueOf(seed),
        assets: [{ name: `orders-${seed}`, dags: DAGS.map((dagId) => ({ dagId })) }],
      });
      deaths += await live(world, queueOf(seed), death);
    }

    const runs = await database.reads
      .selectFrom('runRequest')
      .innerJoin('inbox', 'inbox.id', 'runRequest.inboxId')
      .select(['inbox.subscription', 'inbox.eventId', 'runRequest.dagId'])
      .execute();
    const expected = [...seeds()].flatMap((seed) =>
      DAGS.flatMap((dagId) => Array.from({ length: EVENTS }, (_, event) => `${queueOf(seed)} e-${event} ${dagId}`)),
    );
    expect(runs.map(({ subscription, eventId, dagId }) => `${subscription} ${eventId} ${dagId}`).toSorted()).toEqual(expected.toSorted());

    const balances = await subscriptionBalances(database);
    expect(balances).toHaveLength(SEEDS);
    for (const { name, received, ran, batched, pending, unmatched, quarantined, deduplicated } of balances) {
      expect(received, name).toBe(ran + batched + pending + unmatched + quarantined + deduplicated);
      expect(ran + pending, name).toBe(EVENTS);
    }
    // The histories must be eventful, or the rest proves little.
    expect(balances.reduce((sum, { deduplicated }) => sum + deduplicated, 0)).toBeGreaterThan(SEEDS * EVENTS * 0.2);
    expect(deaths).toBeGreaterThan(SEEDS);
  },
  120_000,
);

function* seeds(): Generator<number> {
  for (let seed = 1; seed <= SEEDS; seed += 1) yield seed;
}

function queueOf(seed: number): string {
  return `queue-${seed}`;
}
