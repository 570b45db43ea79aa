import { expect, test } from 'vitest';
import { listQueuedEvents } from '../reads/queued-events.ts';
import { dagOnAssets, queueOf, reportEvent, saveDags } from '../testing/asset-fixtures.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insert } from '../testing/transition-fixtures.ts';
import { discardQueuedEvents, type DiscardedEvents } from './discard-queued-events.ts';

const DAGS = [
  dagOnAssets('both', { all: ['a', 'b', 'c'] }, { assets: ['a', 'b', 'c'] }),
  dagOnAssets('other', { all: ['a', 'c'] }, { assets: ['a', 'c'] }),
  dagOnAssets('each', { any: ['a'] }, { assets: ['a'] }),
];

describeDatabases('discardQueuedEvents', (open) => {
  const openWithEvents = async () => {
    const database = await open();
    await saveDags(database, DAGS);
    await reportEvent(database, 'a', { eventKey: 'one', now: 10 });
    await reportEvent(database, 'b', { eventKey: 'two', now: 20 });
    await reportEvent(database, 'a', { eventKey: 'three', now: 30 });
    const request = { id: 'r', dag_id: 'each', run_id: 'r', event_key: 'one', conf: '{}', state: 'pending', requested_at: 10 };
    await database.batch([insert('run_request', request)]);
    return database;
  };

  test('lists what waits by dag and asset, with the time of the newest', async () => {
    const rows = await listQueuedEvents(await openWithEvents(), {}, 'all');
    expect(rows.map(({ dagId, assetId, queuedAt }) => `${dagId} ${assetId} ${queuedAt}`)).toEqual([
      'both 1 30',
      'both 2 20',
      'each 1 10',
      'other 1 30',
    ]);
  });

  const everything = { dagIds: 'all', username: 'ada' } as const;
  test.each<[string, DiscardedEvents, number, string[]]>([
    ['of a dag', { ...everything, dagId: 'both' }, 3, ['each 1', 'other 1']],
    ['of an asset', { ...everything, assetId: 1 }, 5, ['both 2']],
    ['of an asset for a dag', { ...everything, dagId: 'other', assetId: 1 }, 2, ['both 1', 'both 2', 'each 1']],
    ['that came before a time', { ...everything, before: 15 }, 3, ['both 1', 'both 2', 'other 1']],
    ['of the dags that the caller may change', { ...everything, assetId: 1, dagIds: ['each'] }, 1, ['both 1', 'both 2', 'other 1']],
  ])('discards the events %s, and no other', async (_, discarded, count, left) => {
    const database = await openWithEvents();
    expect(await discardQueuedEvents(database, discarded)).toBe(count);
    expect((await listQueuedEvents(database, {}, 'all')).map(({ dagId, assetId }) => `${dagId} ${assetId}`)).toEqual(left);
    expect(await discardQueuedEvents(database, discarded)).toBe(0);
  });

  test('keeps the rows, raises the revision of the queue and says who it was', async () => {
    const database = await openWithEvents();
    const revision = async () =>
      (await database.reads.selectFrom('assetQueue').select('revision').where('dagId', '=', 'both').executeTakeFirst())?.revision ?? 0;
    const before = await revision();
    await discardQueuedEvents(database, everything);
    expect(await queueOf(database, 'both')).toEqual(['one dropped', 'two dropped', 'three dropped']);
    expect(await revision()).toBe(before + 1);
    expect(await database.reads.selectFrom('runRequest').select(['state', 'reason']).execute()).toEqual([
      { state: 'dropped', reason: 'discarded by ada' },
    ]);
  });
});
