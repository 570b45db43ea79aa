import { expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { dagOnAssets, queueOf, reportEvent, saveDags } from '../testing/asset-fixtures.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { setDagPaused } from './set-dag-paused.ts';
import { selectDecidableQueues, takeQueuedEvents, type QueueDecision } from './take-queued-events.ts';

describeDatabases('takeQueuedEvents', (open) => {
  /** A queue with two events, and the decision that one run takes both. */
  const prepare = async (): Promise<{ readonly database: Database; readonly decision: QueueDecision }> => {
    const database = await open();
    await saveDags(database, [dagOnAssets('both', { all: ['a', 'b'] }, { assets: ['a', 'b'] })]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 1 });
    await reportEvent(database, 'b', { eventKey: 'two', now: 2 });
    const [[queue]] = await database.batch([selectDecidableQueues(5, 10)]);
    if (queue === undefined) throw new Error('there is nothing to decide');
    const { dagId, revision, dagVersionId, lastPosition } = queue;
    const known = { dagId, revision, dagVersionId, decidedPosition: lastPosition, nextDueAt: null, closedAt: 0, lastKnownPosition: null };
    const request = { id: 'request', runId: 'run', eventKey: 'two', conf: '{}', state: 'pending' as const, reason: null };
    return { database, decision: { ...known, runs: [{ ...request, positions: [1, 2], requestedAt: 2 }], unwanted: [] } };
  };

  const take = async (database: Database, decision: QueueDecision, claim = 'claim'): Promise<number> => {
    const [, , , requests] = await database.batch(takeQueuedEvents(claim, [decision]));
    return requests.length;
  };

  test('makes the request and marks its events, and then there is nothing to decide', async () => {
    const { database, decision } = await prepare();
    expect(await take(database, decision)).toBe(1);
    expect(await queueOf(database, 'both')).toEqual(['one consumed', 'two consumed']);
    expect((await database.batch([selectDecidableQueues(9, 10)]))[0]).toEqual([]);
  });

  test('writes one of two decisions that were made from the same queue', async () => {
    const { database, decision } = await prepare();
    const other = { ...decision, runs: decision.runs.map((run) => ({ ...run, id: 'other', runId: 'other' })) };
    expect([await take(database, decision), await take(database, other, 'another')]).toEqual([1, 0]);
    expect(await database.reads.selectFrom('runRequest').select('id').execute()).toEqual([{ id: 'request' }]);
  });

  test('writes nothing where the dag was paused or has another version', async () => {
    const { database, decision } = await prepare();
    await setDagPaused(database, 'both', true, 3);
    expect(await take(database, decision)).toBe(0);
    await setDagPaused(database, 'both', false, 3);
    expect(await take(database, { ...decision, dagVersionId: 'another' })).toBe(0);
    expect(await queueOf(database, 'both')).toEqual(['one pending', 'two pending']);
  });

  test('stands although an event has come since, unless the clock closed the batch', async () => {
    const { database, decision } = await prepare();
    await reportEvent(database, 'a', { eventKey: 'three', now: 3 });
    expect(await take(database, { ...decision, lastKnownPosition: 2 })).toBe(0);
    expect(await take(database, decision)).toBe(1);
    expect(await queueOf(database, 'both')).toEqual(['one consumed', 'two consumed', 'three pending']);
  });

  test('leaves events that come later behind the end of the batch', async () => {
    const { database, decision } = await prepare();
    await take(database, { ...decision, closedAt: 50 });
    await reportEvent(database, 'a', { eventKey: 'three', now: 3 });
    const last = database.reads.selectFrom('queuedAssetEvent').select('queuedAt').where('eventKey', '=', 'three');
    expect(await last.execute()).toEqual([{ queuedAt: 50 }]);
  });
});
