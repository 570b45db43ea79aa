import { expect, test } from 'vitest';
import { seedSubscription } from '../../federation/testing/seed-subscription.ts';
import type { Database } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { setSubscriptionState, stopInactiveSubscriptions } from './set-subscription-state.ts';

const NOW = 1_700_000_000_000;
const name = 'orders-queue';
const subscriptionOf = (database: Database) => database.reads.selectFrom('subscription').selectAll().orderBy('name').execute();

describeDatabases('setSubscriptionState', (open) => {
  test('shows state and reason, and notes when they changed', async () => {
    const database = await open();
    await seedSubscription(database, { assets: [] });
    await database.batch([setSubscriptionState({ name, state: 'blocked', reason: 'no such queue', lastPollAt: null }, NOW)]);
    expect(await subscriptionOf(database)).toMatchObject([{ state: 'blocked', reason: 'no such queue', changedAt: NOW, lastPollAt: null }]);
  });

  test('does not move the time of change while state and reason stay', async () => {
    const database = await open();
    await seedSubscription(database, { assets: [] });
    await database.batch([setSubscriptionState({ name, state: 'polling', reason: null, lastPollAt: NOW }, NOW)]);
    await database.batch([setSubscriptionState({ name, state: 'polling', reason: null, lastPollAt: NOW + 60_000 }, NOW + 60_000)]);
    expect(await subscriptionOf(database)).toMatchObject([{ changedAt: NOW, lastPollAt: NOW + 60_000 }]);
    await database.batch([setSubscriptionState({ name, state: 'backing-off', reason: 'a', lastPollAt: null }, NOW + 1)]);
    await database.batch([setSubscriptionState({ name, state: 'backing-off', reason: 'b', lastPollAt: null }, NOW + 2)]);
    expect(await subscriptionOf(database)).toMatchObject([{ reason: 'b', changedAt: NOW + 2, lastPollAt: NOW + 60_000 }]);
  });

  test('stops what no dag watches and leaves the rest', async () => {
    const database = await open();
    await seedSubscription(database, { assets: [] });
    await seedSubscription(database, { subscription: 'unwatched', assets: [] });
    await database.batch([
      setSubscriptionState({ name, state: 'polling', reason: null, lastPollAt: NOW }, NOW),
      setSubscriptionState({ name: 'unwatched', state: 'blocked', reason: 'x', lastPollAt: null }, NOW),
    ]);
    await database.reads.updateTable('subscription').set({ isActive: 0 }).where('name', '=', 'unwatched').execute();
    await database.batch([stopInactiveSubscriptions(NOW + 1)]);
    await database.batch([stopInactiveSubscriptions(NOW + 2)]);
    expect(await subscriptionOf(database)).toMatchObject([
      { name, state: 'polling', changedAt: NOW },
      { name: 'unwatched', state: 'stopped', reason: null, changedAt: NOW + 1 },
    ]);
  });
});
