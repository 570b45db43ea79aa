import { expect, test } from 'vitest';
import { seedSubscription } from '../../federation/testing/seed-subscription.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { createBindingReader, readActiveSubscriptions } from './subscription-bindings.ts';

const REGION = { region: { type: 'string' } };

describeDatabases('subscription bindings', (open) => {
  test('are the assets of the subscription and the dags on each, with the params of their current version', async () => {
    const database = await open();
    await seedSubscription(database, {
      assets: [
        { name: 'orders', dags: [{ dagId: 'a', params: REGION }, { dagId: 'b' }] },
        { name: 'returns', eventType: 'returned', dags: [{ dagId: 'a', params: REGION }] },
        { name: 'unused', dags: [] },
      ],
    });
    await seedSubscription(database, { subscription: 'other', assets: [{ name: 'other', dags: [{ dagId: 'c' }] }] });
    const a = { dagId: 'a', params: REGION };
    expect(await createBindingReader(database, 'orders-queue')()).toEqual([
      { assetId: 1, assetName: 'orders', eventType: null, dags: [a, { dagId: 'b', params: {} }] },
      { assetId: 2, assetName: 'returns', eventType: 'returned', dags: [a] },
      { assetId: 3, assetName: 'unused', eventType: null, dags: [] },
    ]);
    expect(await createBindingReader(database, 'nobody')()).toEqual([]);
  });

  test('leave out dags that are in no file any more', async () => {
    const database = await open();
    await seedSubscription(database, { assets: [{ name: 'orders', dags: [{ dagId: 'gone', isStale: true }, { dagId: 'here' }] }] });
    const [orders] = await createBindingReader(database, 'orders-queue')();
    expect(orders?.dags.map(({ dagId }) => dagId)).toEqual(['here']);
  });

  test('stay the same when read again, and follow a dag to its next version', async () => {
    const database = await open();
    await seedSubscription(database, { assets: [{ name: 'orders', dags: [{ dagId: 'a', params: REGION }] }] });
    const read = createBindingReader(database, 'orders-queue');
    const before = await read();
    expect(await read()).toEqual(before);
    const next = {
      id: 'a-2',
      dagId: 'a',
      versionNumber: 2,
      contentHash: 'other',
      bundleVersion: 'bundle',
      createdAt: 0,
      serialized: JSON.stringify({ dagId: 'a', params: { limit: { type: 'integer' } } }),
    };
    await database.reads.insertInto('dagVersion').values(next).execute();
    await database.reads.updateTable('dag').set({ dagVersionId: 'a-2' }).execute();
    expect((await read())[0]?.dags).toEqual([{ dagId: 'a', params: { limit: { type: 'integer' } } }]);
  });

  test('belong to subscriptions of which only the active ones are polled', async () => {
    const database = await open();
    for (const subscription of ['b', 'a', 'c']) await seedSubscription(database, { subscription, assets: [] });
    await database.reads.updateTable('subscription').set({ isActive: 0 }).where('name', '=', 'c').execute();
    expect(await readActiveSubscriptions(database)).toEqual([
      { name: 'a', transport: 'sqs', source: 'a' },
      { name: 'b', transport: 'sqs', source: 'b' },
    ]);
  });
});
