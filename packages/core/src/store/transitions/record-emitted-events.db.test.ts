import { describe, expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { listAssets } from '../reads/assets.ts';
import { dagOnAssets, queueOf, saveDags } from '../testing/asset-fixtures.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { serializedAsset, serializedDag, serializedTask } from '../testing/serialized-dag.ts';
import { insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { queueAssetEvents } from './queue-asset-events.ts';
import {
  noteAliasesOfEvents,
  recordAssetEvents,
  requestRuns,
  resolveAliases,
  selectDagsScheduledOn,
  type EmittedAssetEvent,
} from './record-emitted-events.ts';
import { setDagPaused } from './set-dag-paused.ts';

const PRODUCER = serializedDag({
  dagId: 'producer',
  assets: [serializedAsset('orders', { uri: 's3://orders' })],
  tasks: [serializedTask('write', { outlets: ['orders'], outletAliases: ['parts', 'more'] })],
});

const emitted = (eventKey: string, changes: Partial<EmittedAssetEvent> = {}): EmittedAssetEvent => ({
  taskInstanceId: 'instance_1',
  epoch: 1,
  eventKey,
  assetName: 'orders',
  extra: '{}',
  ...changes,
});

const via = (uri: string, ...aliases: string[]) => ({ via: { aliases, uri, group: 'made' } });

describeDatabases('events that a task emits', (open) => {
  const openWithSuccess = async (state: 'success' | 'failed' = 'success'): Promise<Database> => {
    const database = await open();
    await saveDags(database, [PRODUCER]);
    const [version] = await database.reads.selectFrom('dagVersion').select('id').execute();
    await insertDagRun(database, 'run_1', { dag_id: 'producer', dag_version_id: version?.id ?? '' });
    await insertTaskInstance(database, state, { dag_id: 'producer', task_id: 'write' });
    return database;
  };

  const record = async (database: Database, events: readonly EmittedAssetEvent[]) => {
    const [, , recorded] = await database.batch([
      ...resolveAliases(5, events),
      recordAssetEvents(5, events),
      noteAliasesOfEvents(events),
      ...queueAssetEvents(
        5,
        events.map(({ eventKey }) => ({ eventKey })),
      ),
    ]);
    return recorded.map(({ eventKey }) => eventKey);
  };

  const assets = (database: Database) =>
    database.reads.selectFrom('asset').select(['name', 'uri', 'assetGroup as group']).orderBy('id').execute();

  test('are recorded in their order, each once', async () => {
    const database = await openWithSuccess();
    const events = ['one', 'two', 'three'].map((key) => emitted(key));
    expect(await record(database, events)).toEqual(['one', 'two', 'three']);
    expect(await record(database, events)).toEqual([]);
    expect(await database.reads.selectFrom('assetEvent').select('eventKey').orderBy('id').execute()).toEqual([
      { eventKey: 'one' },
      { eventKey: 'two' },
      { eventKey: 'three' },
    ]);
  });

  test('are not recorded of an attempt that did not succeed, and its aliases stand for nothing', async () => {
    const database = await openWithSuccess('failed');
    expect(await record(database, [emitted('one'), emitted('two', { assetName: 'new', ...via('new', 'parts') })])).toEqual([]);
    expect((await assets(database)).map(({ name }) => name)).toEqual(['orders']);
  });

  test('are not recorded of an asset that no dag uses any more', async () => {
    const database = await openWithSuccess();
    await saveDags(database, [serializedDag({ dagId: 'producer' })], 1);
    expect(await record(database, [emitted('one')])).toEqual([]);
  });

  test('are not recorded of an asset that a dag before it describes otherwise', async () => {
    const database = await openWithSuccess();
    const second = { ...PRODUCER, assets: [serializedAsset('orders', { uri: 's3://other' })] };
    await saveDags(database, [{ ...PRODUCER, dagId: 'first' }, second], 1);
    expect(await record(database, [emitted('one')])).toEqual([]);
  });

  describe('through an alias', () => {
    test('make the asset where there is none, and the alias stands for it from then on', async () => {
      const database = await openWithSuccess();
      expect(await record(database, [emitted('one', { assetName: 'eu', ...via('s3://eu', 'parts', 'more') })])).toEqual(['one']);
      expect(await assets(database)).toContainEqual({ name: 'eu', uri: 's3://eu', group: 'made' });
      const { rows } = await listAssets(database, { readable: 'all', onlyActive: true }, { limit: 10, offset: 0 });
      expect(rows.map(({ name, aliases }) => [name, aliases.map((alias) => alias.name)])).toEqual([
        ['orders', []],
        ['eu', ['more', 'parts']],
      ]);
      const links = await database.reads.selectFrom('assetAliasEvent').select('eventKey').execute();
      expect(links).toEqual([{ eventKey: 'one' }, { eventKey: 'one' }]);
    });

    test('leave an asset alone that has the name or the uri and is another', async () => {
      const database = await openWithSuccess();
      const sameName = emitted('one', via('s3://elsewhere', 'parts'));
      const sameUri = emitted('two', { assetName: 'sales', ...via('s3://orders', 'parts') });
      expect(await record(database, [sameName, sameUri])).toEqual([]);
      expect(await assets(database)).toEqual([{ name: 'orders', uri: 's3://orders', group: 'asset' }]);
    });

    test('reach the dags that are scheduled on the alias, the first one, too', async () => {
      const database = await openWithSuccess();
      await saveDags(database, [
        dagOnAssets('collects', { all: [{ alias: 'parts' }, 'b'] }, { assets: ['b'] }),
        dagOnAssets('each', { any: [{ alias: 'parts' }] }, { assets: [] }),
        dagOnAssets('by_uri', { any: [{ uri: 's3://eu' }] }, { assets: [] }),
        dagOnAssets('not_meant', { any: [{ alias: 'more' }] }, { assets: [] }),
      ]);
      const [dags] = await database.batch([selectDagsScheduledOn([{ name: 'eu', alias: 'parts', uri: 's3://eu' }])]);
      expect(dags.map(({ dagId, assetName, isCollecting }) => [dagId, assetName, isCollecting])).toEqual([
        ['by_uri', 'eu', 0],
        ['collects', 'eu', 1],
        ['each', 'eu', 0],
      ]);
      await record(database, [emitted('one', { assetName: 'eu', ...via('s3://eu', 'parts') })]);
      expect(await queueOf(database, 'collects')).toEqual(['one pending']);
    });
  });
});

describeDatabases('requestRuns', (open) => {
  const request = (dagId: string) => ({
    id: dagId,
    dagId,
    runId: 'r',
    eventKey: 'one',
    conf: '{}',
    state: 'pending' as const,
    reason: null,
  });

  test.each([
    ['waits for', undefined, 'pending'],
    ['is dropped by', 'drop' as const, 'dropped'],
  ])('what comes while it is paused %s a dag that says so', async (_, whilePaused, state) => {
    const database = await open();
    await saveDags(database, [
      dagOnAssets('each', { any: ['a'] }, { assets: ['a'], ...(whilePaused === undefined ? {} : { whilePaused }) }),
      dagOnAssets('all', { all: ['a', 'b'] }, { assets: ['a', 'b'] }),
    ]);
    await setDagPaused(database, 'each', true, 1);
    await database.reads
      .insertInto('assetEvent')
      .values({
        eventKey: 'one',
        assetId: 1,
        extra: '{}',
        occurredAt: 1,
        sourceDagId: null,
        sourceTaskId: null,
        sourceRunId: null,
        sourceMapIndex: -1,
        inboxId: null,
      })
      .execute();
    // The dag that collects has the event in its queue, not as a request.
    await database.batch([requestRuns(2, [request('each'), request('all')])]);
    expect(await database.reads.selectFrom('runRequest').select(['dagId', 'state']).execute()).toEqual([{ dagId: 'each', state }]);
  });
});
