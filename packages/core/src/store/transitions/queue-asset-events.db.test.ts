import { describe, expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { dagOnAssets, queueOf, reportEvent, saveDags } from '../testing/asset-fixtures.ts';
import { describeDatabases, describePostgres } from '../testing/describe-databases.ts';
import { hashed, serializedAsset, serializedDag, serializedTask } from '../testing/serialized-dag.ts';
import { queueAssetEvents } from './queue-asset-events.ts';
import { setDagPaused } from './set-dag-paused.ts';

const BOTH = dagOnAssets('both', { all: ['a', 'b'] }, { assets: ['a', 'b'] });

const queues = (database: Database) =>
  database.reads.selectFrom('assetQueue').select(['dagId', 'isCollecting', 'lastPosition', 'lastQueuedAt']).orderBy('dagId').execute();

describeDatabases('queueAssetEvents', (open) => {
  test('gives an event a place in the queue of each dag that collects, in order, and of no other', async () => {
    const database = await open();
    await saveDags(database, [BOTH, dagOnAssets('each', { any: ['a'] }, { assets: ['a'] })]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 5 });
    await reportEvent(database, 'b', { eventKey: 'two', now: 7 });
    expect(await queueOf(database, 'both')).toEqual(['one pending', 'two pending']);
    expect(await queues(database)).toEqual([
      { dagId: 'both', isCollecting: 1, lastPosition: 2, lastQueuedAt: 7 },
      { dagId: 'each', isCollecting: 0, lastPosition: 0, lastQueuedAt: 0 },
    ]);
  });

  test('gives an event one place however often its transaction is repeated', async () => {
    const database = await open();
    await saveDags(database, [BOTH]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 5 });
    await database.batch(queueAssetEvents(9, [{ eventKey: 'one' }]));
    expect(await queueOf(database, 'both')).toEqual(['one pending']);
  });

  test('passes over an event that another message had brought before', async () => {
    const database = await open();
    await saveDags(database, [dagOnAssets('each', { any: ['a'] }, { assets: ['a'] })]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 5 });
    await saveDags(database, [BOTH], 1);
    await database.batch(queueAssetEvents(9, [{ eventKey: 'one', inboxId: 'another' }]));
    expect(await queueOf(database, 'both')).toEqual([]);
  });

  test('never goes back in time, though clocks differ', async () => {
    const database = await open();
    await saveDags(database, [BOTH]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 50 });
    await reportEvent(database, 'a', { eventKey: 'two', now: 20 });
    const rows = await database.reads.selectFrom('queuedAssetEvent').select('queuedAt').orderBy('position').execute();
    expect(rows).toEqual([{ queuedAt: 50 }, { queuedAt: 50 }]);
  });

  test.each([
    ['queue', 'one pending'],
    ['drop', 'one dropped'],
  ] as const)('a paused dag that is to %s events has them so', async (whilePaused, row) => {
    const database = await open();
    await saveDags(database, [dagOnAssets('both', { all: ['a', 'b'] }, { assets: ['a', 'b'], whilePaused })]);
    await setDagPaused(database, 'both', true, 1);
    await reportEvent(database, 'a', { eventKey: 'one', now: 5 });
    expect(await queueOf(database, 'both')).toEqual([row]);
  });

  describe('finds a dag by', () => {
    test.each([
      ['a reference by name', { name: 'a' }],
      ['a reference by uri', { uri: 's3://a' }],
    ])('%s', async (_, reference) => {
      const database = await open();
      const producer = serializedDag({
        dagId: 'producer',
        assets: [serializedAsset('a', { uri: 's3://a' })],
        tasks: [serializedTask('write', { outlets: ['a'] })],
      });
      // The reference is there before the asset is.
      await saveDags(database, [dagOnAssets('late', { all: [reference, 'b'] }, { assets: ['b'] }), producer]);
      await reportEvent(database, 'a', { eventKey: 'one', now: 5 });
      expect(await queueOf(database, 'late')).toEqual(['one pending']);
    });
  });

  test('leaves out a dag that describes the asset otherwise than the first', async () => {
    const database = await open();
    const other = serializedDag({
      dagId: 'other',
      schedule: { kind: 'asset', all: ['a', 'b'] },
      assets: [serializedAsset('a', { uri: 'elsewhere' }), serializedAsset('b')],
    });
    await saveDags(database, [BOTH, other]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 5 });
    await reportEvent(database, 'b', { eventKey: 'two', now: 5 });
    expect(await queueOf(database, 'both')).toEqual(['one pending', 'two pending']);
    expect(await queueOf(database, 'other')).toEqual(['two pending']);
    expect(hashed(other).serializedHash).not.toBe(hashed(BOTH).serializedHash);
  });
});

describePostgres('queueAssetEvents, racing', (open) => {
  test('the places of a queue have no gap and no order but that of the commits', async () => {
    const databases = [await open(), await open(), await open()];
    const [first] = databases as [Database];
    await saveDags(first, [BOTH, dagOnAssets('both_2', { all: ['b', 'a'] }, { assets: ['a', 'b'] })]);
    const names = Array.from({ length: 60 }, (_, index) => `event-${index}`);
    await Promise.all(
      names.map((eventKey, index) => reportEvent(databases[index % 3] ?? first, index % 2 === 0 ? 'a' : 'b', { eventKey, now: index })),
    );
    for (const dagId of ['both', 'both_2']) {
      const rows = await first.reads
        .selectFrom('queuedAssetEvent')
        .select(['position', 'queuedAt'])
        .where('dagId', '=', dagId)
        .orderBy('position')
        .execute();
      expect(rows.map(({ position }) => position)).toEqual(names.map((_, index) => index + 1));
      expect(rows.map(({ queuedAt }) => queuedAt)).toEqual(rows.map(({ queuedAt }) => queuedAt).toSorted((one, other) => one - other));
    }
  });
});
