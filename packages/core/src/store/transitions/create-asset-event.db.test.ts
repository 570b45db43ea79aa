import { expect, test } from 'vitest';
import { listAssetEvents } from '../reads/asset-events.ts';
import { insertExampleRows } from '../reads/testing/example-rows.ts';
import { EXAMPLE_NOW } from '../reads/testing/example-time.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { createAssetEvent, type ReportedEvent } from './create-asset-event.ts';

const EVENT: ReportedEvent = {
  eventKey: 'key-api',
  assetId: 1,
  extra: '{"total":4}',
  envelope: '{"specversion":"1.0"}',
  runRequests: [
    { id: 'request-1', dagId: 'profiles', runId: 'asset_triggered__api', conf: '{"total":4}', state: 'pending', reason: null },
    { id: 'request-2', dagId: 'nightly', runId: 'asset_triggered__api', conf: '{}', state: 'refused', reason: 'does not fit' },
  ],
};

describeDatabases('createAssetEvent', (open) => {
  test('records the event and what it asks for in one transaction', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await createAssetEvent(database, EVENT, EXAMPLE_NOW)).toEqual({ outcome: 'created', isPublished: false });
    const { rows } = await listAssetEvents(database, { readable: 'all', eventKey: 'key-api' }, { limit: 1, offset: 0 });
    expect(rows).toMatchObject([{ assetName: 'customer_master', occurredAt: EXAMPLE_NOW, extra: { total: 4 }, message: null }]);
    const requests = database.reads.selectFrom('runRequest').selectAll().where('eventKey', '=', 'key-api').orderBy('id');
    expect(await requests.execute()).toMatchObject([
      { id: 'request-1', state: 'pending', conf: '{"total":4}', requestedAt: EXAMPLE_NOW, inboxId: null },
      { id: 'request-2', state: 'refused', reason: 'does not fit' },
    ]);
  });

  test('asks for nothing where the asset does not exist', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await createAssetEvent(database, { ...EVENT, assetId: 99 }, EXAMPLE_NOW)).toEqual({
      outcome: 'unknown_asset',
      isPublished: false,
    });
    expect(await database.reads.selectFrom('runRequest').select('id').where('eventKey', '=', 'key-api').execute()).toEqual([]);
  });

  test('puts a message into the outbox where the asset is published', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await createAssetEvent(database, { ...EVENT, assetId: 2, runRequests: [] }, EXAMPLE_NOW)).toEqual({
      outcome: 'created',
      isPublished: true,
    });
    const sent = database.reads.selectFrom('outbox').select(['assetName', 'target', 'envelope', 'state']).where('id', '=', 'key-api');
    expect(await sent.execute()).toEqual([
      { assetName: 'warehouse', target: '{"transport":"sns","topic":"warehouse"}', envelope: EVENT.envelope, state: 'pending' },
    ]);
  });

  test('asks for nothing where no dag uses the asset any more', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await createAssetEvent(database, { ...EVENT, assetId: 3 }, EXAMPLE_NOW)).toEqual({
      outcome: 'unknown_asset',
      isPublished: false,
    });
  });

  test('changes nothing the second time', async () => {
    const database = await open();
    await insertExampleRows(database);
    await createAssetEvent(database, EVENT, EXAMPLE_NOW);
    await createAssetEvent(
      database,
      { ...EVENT, runRequests: EVENT.runRequests.map((each) => ({ ...each, id: `${each.id}-b` })) },
      EXAMPLE_NOW,
    );
    const ids = await database.reads.selectFrom('runRequest').select('id').where('eventKey', '=', 'key-api').orderBy('id').execute();
    expect(ids).toEqual([{ id: 'request-1' }, { id: 'request-2' }]);
  });
});
