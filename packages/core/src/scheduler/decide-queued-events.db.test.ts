import type { AssetConditionGroup, AssetScheduleOptions, SerializedAssetSchedule } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { decideAssetRuns } from '../model/decide-asset-runs.ts';
import { silentLog } from '../platform/log.ts';
import { createSeededRandom } from '../platform/testing/seeded-random.ts';
import type { Database } from '../store/database.ts';
import { subscriptionBalances } from '../store/reads/federation.ts';
import { dagOnAssets, queueOf, reportEvent, saveDags } from '../store/testing/asset-fixtures.ts';
import { describeDatabases, describePostgres } from '../store/testing/describe-databases.ts';
import { claimRunRequests, createRequestedDagRuns, linkTriggeringEvents, releaseClaim } from '../store/transitions/claim-run-requests.ts';
import { insert } from '../store/testing/transition-fixtures.ts';
import { receiveMessages, type Receipt } from '../store/transitions/receive-messages.ts';
import { setDagPaused } from '../store/transitions/set-dag-paused.ts';
import { createQueueProgress, decideQueuedEvents, type QueueDecisionState } from './decide-queued-events.ts';

function schedulerOn(database: Database, seed = 1): QueueDecisionState {
  const random = createSeededRandom(seed);
  return { parts: { database, random, log: silentLog }, mayStartRuns: true, queues: createQueueProgress() };
}

/** Passes of one scheduler until nothing is left to decide. */
async function settle(state: QueueDecisionState, now: number): Promise<void> {
  do {
    state.mayStartRuns = true;
    await decideQueuedEvents(state, now);
  } while (state.queues.nextDueAt !== undefined && state.queues.nextDueAt <= now);
}

/** What the runs take, oldest first, with the moment at which each is due: `e1+e3@3000`. */
async function runsOf(database: Database, dagId: string): Promise<readonly string[]> {
  const requests = await database.reads
    .selectFrom('runRequest')
    .select(['id', 'runId', 'eventKey', 'requestedAt'])
    .where('dagId', '=', dagId)
    .execute();
  const taken = await database.reads
    .selectFrom('queuedAssetEvent')
    .select(['runRequestId', 'eventKey', 'position'])
    .where('dagId', '=', dagId)
    .orderBy('position')
    .execute();
  const runs = requests.map(({ id, eventKey, runId, requestedAt }) => {
    const keys = taken.filter(({ runRequestId }) => runRequestId === id).map((event) => event.eventKey);
    expect(keys.at(-1)).toBe(eventKey);
    return `${keys.join('+')}@${requestedAt} ${runId}`;
  });
  return runs.toSorted();
}

const withoutIds = (runs: readonly string[]): readonly string[] => runs.map((run) => run.replace(/ .*/, ''));

const SCHEDULES: readonly [string, AssetConditionGroup, AssetScheduleOptions][] = [
  ['all', { all: ['a', 'b'] }, {}],
  ['batch', { all: ['a', 'b'] }, { runs: 'batch' }],
  ['window', { any: ['a', 'b'] }, { runs: 'batch', batchWindowMs: 4_000 }],
  ['nested', { all: ['a', { any: ['b', 'c'] }] }, { runs: 'batch', batchWindowMs: 2_000, batchMaxEvents: 3 }],
];
const DAGS = SCHEDULES.map(([dagId, condition, options]) => dagOnAssets(dagId, condition, { assets: ['a', 'b', 'c'], ...options }));
const EVENTS = 'aabcababccaabbbacbaab'.split('').map((name, index) => ({ name, eventKey: `e${index}`, now: (index + 1) * 1_000 }));
const END = 100_000;

/** The runs that follow from all events at once. */
function inOneGo(schedule: SerializedAssetSchedule): readonly string[] {
  const waiting = EVENTS.map(({ name, eventKey, now }, index) => ({
    name,
    uri: name,
    aliases: [],
    eventKey,
    position: index,
    queuedAt: now,
  }));
  const { runs } = decideAssetRuns(schedule, { waiting, decidedPosition: -1, now: END });
  return runs.map(({ events, dueAt }) => `${events.map(({ eventKey }) => eventKey).join('+')}@${dueAt}`).toSorted();
}

function receiptOf(id: string, now: number): Receipt {
  return {
    id,
    subscription: 'sqs:q',
    dedupeKey: id,
    status: 'accepted',
    reason: null,
    messageId: id,
    body: '{}',
    attributes: '{}',
    eventId: id,
    eventSource: 'elsewhere',
    eventType: 't',
    receivedAt: now,
    duplicates: 0,
    assetEvents: [{ eventKey: `event-${id}`, assetId: 1, extra: '{}', occurredAt: now }],
    runRequests: [{ id: `request-${id}`, dagId: 'pairs', runId: id, eventKey: `event-${id}`, conf: '{}', state: 'pending', reason: null }],
  };
}

describeDatabases('decideQueuedEvents', (open) => {
  test('a run takes one event of each asset, oldest first', async () => {
    const database = await open();
    await saveDags(database, DAGS.slice(0, 1));
    for (const event of EVENTS.slice(0, 5)) await reportEvent(database, event.name, event);
    await settle(schedulerOn(database), 10_000);
    expect(withoutIds(await runsOf(database, 'all'))).toEqual(['e0+e2@3000']);
    expect(await queueOf(database, 'all')).toEqual(['e0 consumed', 'e1 pending', 'e2 consumed', 'e4 pending']);
  });

  test('a batch waits for its window, and the scheduler knows until when', async () => {
    const database = await open();
    await saveDags(database, [DAGS[2] ?? expect.fail()]);
    const scheduler = schedulerOn(database);
    await reportEvent(database, 'a', { eventKey: 'one', now: 1_000 });
    await settle(scheduler, 2_000);
    expect([await runsOf(database, 'window'), scheduler.queues.nextDueAt]).toEqual([[], 5_000]);
    await settle(scheduler, 5_000);
    expect(withoutIds(await runsOf(database, 'window'))).toEqual(['one@5000']);
    expect(scheduler.queues.nextDueAt).toBeUndefined();
  });

  test('an event that comes with an old clock after its batch has closed belongs to the next', async () => {
    const database = await open();
    await saveDags(database, [DAGS[2] ?? expect.fail()]);
    const scheduler = schedulerOn(database);
    await reportEvent(database, 'a', { eventKey: 'one', now: 1_000 });
    await settle(scheduler, 6_000);
    await reportEvent(database, 'a', { eventKey: 'late', now: 3_000 });
    await settle(scheduler, 60_000);
    expect(withoutIds(await runsOf(database, 'window'))).toEqual(['late@9000', 'one@5000']);
  });

  test('events of a paused dag wait, and are decided about as if it had never been paused', async () => {
    const database = await open();
    await saveDags(database, DAGS);
    await setDagPaused(database, 'all', true, 0);
    const scheduler = schedulerOn(database);
    for (const event of EVENTS) await reportEvent(database, event.name, event);
    await settle(scheduler, END);
    expect(await runsOf(database, 'all')).toEqual([]);
    await setDagPaused(database, 'all', false, END);
    await settle(scheduler, END);
    expect((await runsOf(database, 'all')).length).toBe(8);
  });

  test('the fields of all events are the conf, the newest of a name counts, and every event is a trigger of the run', async () => {
    const database = await open();
    const dag = { ...(DAGS[1] ?? expect.fail()), params: { x: { type: 'integer' }, y: { type: 'integer' } } };
    await saveDags(database, [dag]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 1, extra: { x: 1, y: 1, other: 1 } });
    await reportEvent(database, 'b', { eventKey: 'two', now: 2, extra: { y: 2 } });
    await settle(schedulerOn(database), 3);
    await database.batch([claimRunRequests(1, 10), createRequestedDagRuns(1, 3), linkTriggeringEvents(1), releaseClaim(1)]);
    const [run] = await database.reads.selectFrom('dagRun').selectAll().execute();
    expect(run).toMatchObject({ dagId: 'batch', runType: 'asset_triggered', conf: '{"x":1,"y":2}', runAfterAt: 2 });
    const links = database.reads
      .selectFrom('dagRunAssetEvent')
      .select('eventKey')
      .where('dagRunId', '=', run?.id ?? '');
    expect(await links.orderBy('eventKey').execute()).toEqual([{ eventKey: 'one' }, { eventKey: 'two' }]);
  });

  test('a run whose data does not fit the params is refused, with the reason', async () => {
    const database = await open();
    await saveDags(database, [{ ...(DAGS[0] ?? expect.fail()), params: { x: { type: 'integer' } } }]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 1, extra: { x: 'text' } });
    await reportEvent(database, 'b', { eventKey: 'two', now: 2 });
    await settle(schedulerOn(database), 3);
    const requests = await database.reads.selectFrom('runRequest').select(['state', 'reason']).execute();
    expect(requests).toMatchObject([{ state: 'refused', reason: expect.stringContaining('$.x') as string }]);
  });

  test('a schedule that asks for something else looks at what waits anew', async () => {
    const database = await open();
    await saveDags(database, [dagOnAssets('dag', { all: ['a', 'b'] }, { assets: ['a', 'b'] })]);
    await reportEvent(database, 'a', { eventKey: 'one', now: 1 });
    const scheduler = schedulerOn(database);
    await settle(scheduler, 2);
    await saveDags(database, [dagOnAssets('dag', { any: ['a', 'b'] }, { assets: ['a', 'b'], runs: 'batch', batchMaxEvents: 1 })]);
    await settle(scheduler, 3);
    expect(withoutIds(await runsOf(database, 'dag'))).toEqual(['one@1']);
  });

  test('what waits for a dag that is gone is given up after a while, and not before', async () => {
    const database = await open();
    await saveDags(database, DAGS);
    await reportEvent(database, 'a', { eventKey: 'one', now: 1 });
    await database.reads.updateTable('dag').set({ isStale: 1 }).where('dagId', '=', 'all').execute();
    const scheduler = schedulerOn(database);
    await settle(scheduler, 1_000);
    await settle(scheduler, 600_000);
    expect(await queueOf(database, 'all')).toEqual(['one pending']);
    await settle(scheduler, 661_000);
    expect(await queueOf(database, 'all')).toEqual(['one dropped']);
  });

  test('a dag that comes back in time keeps what waited', async () => {
    const database = await open();
    await saveDags(database, DAGS);
    await reportEvent(database, 'a', { eventKey: 'one', now: 1 });
    const scheduler = schedulerOn(database);
    await database.reads.updateTable('dag').set({ isStale: 1 }).where('dagId', '=', 'all').execute();
    await settle(scheduler, 1_000);
    await database.reads.updateTable('dag').set({ isStale: 0 }).where('dagId', '=', 'all').execute();
    await settle(scheduler, 661_000);
    await settle(scheduler, 999_000);
    expect(await queueOf(database, 'all')).toEqual(['one pending']);
  });

  test('a message that a run took together with a later one counts as batched', async () => {
    const database = await open();
    await saveDags(database, [dagOnAssets('pairs', { any: ['a'] }, { assets: ['a'], runs: 'batch', batchMaxEvents: 2 })]);
    const state = { name: 'sqs:q', transport: 'sqs', source: 'q', is_active: 1, state: 'polling', changed_at: 0 };
    await database.batch([insert('subscription', state)]);
    for (const [index, id] of ['one', 'two', 'three'].entries()) await database.batch(receiveMessages([receiptOf(id, index)]));
    const balance = async () => (await subscriptionBalances(database))[0];
    expect(await balance()).toMatchObject({ received: 3, pending: 3 });
    await settle(schedulerOn(database), 5);
    expect(await balance()).toMatchObject({ received: 3, ran: 0, pending: 3 });
    await database.batch([claimRunRequests(1, 10), createRequestedDagRuns(1, 3), linkTriggeringEvents(1), releaseClaim(1)]);
    expect(await balance()).toMatchObject({ received: 3, ran: 1, batched: 1, pending: 1, unmatched: 0, quarantined: 0, deduplicated: 0 });
  });

  test('a message that is delivered again has one place in the queue', async () => {
    const database = await open();
    await saveDags(database, [dagOnAssets('pairs', { any: ['a'] }, { assets: ['a'], runs: 'batch', batchMaxEvents: 2 })]);
    await database.batch(receiveMessages([receiptOf('one', 1)]));
    await database.batch(receiveMessages([{ ...receiptOf('one', 2), id: 'again' }]));
    expect(await queueOf(database, 'pairs')).toEqual(['event-one pending']);
  });

  test.each([1, 2, 3])('the runs are the same whoever decides and when, drawn from seed %i', async (seed) => {
    const database = await open();
    await saveDags(database, DAGS);
    const random = createSeededRandom(seed);
    const schedulers = [schedulerOn(database, seed + 10), schedulerOn(database, seed + 20), schedulerOn(database, seed + 30)];
    for (const event of EVENTS) {
      await reportEvent(database, event.name, event);
      if (random.fraction() < 0.5) {
        const now = event.now + Math.floor(random.fraction() * 1_000);
        const looking = schedulers.filter(() => random.fraction() < 0.6);
        for (const scheduler of looking) scheduler.mayStartRuns = true;
        await Promise.all(looking.map((scheduler) => decideQueuedEvents(scheduler, now)));
      }
    }
    for (const scheduler of schedulers) await settle(scheduler, END);
    for (const [dagId, condition, options] of SCHEDULES) {
      const runs = await runsOf(database, dagId);
      expect(withoutIds(runs), dagId).toEqual(inOneGo({ kind: 'asset', ...condition, ...options }));
      expect(new Set(runs.map((run) => run.replace(/.* /, ''))).size).toBe(runs.length);
    }
  });
});

describePostgres('decideQueuedEvents, racing', (open) => {
  test('schedulers on connections of their own make each run once', async () => {
    const databases = [await open(), await open(), await open()];
    const [first] = databases as [Database];
    await saveDags(first, DAGS);
    const schedulers = databases.map((database, index) => schedulerOn(database, index + 1));
    const over = new AbortController();
    const looking = schedulers.map(async (scheduler) => {
      while (!over.signal.aborted) {
        scheduler.mayStartRuns = true;
        await decideQueuedEvents(scheduler, END);
      }
    });
    const names = Array.from({ length: 90 }, (_, index) => ({ name: 'abc'[index % 3] ?? 'a', eventKey: `r${index}`, now: END }));
    await Promise.all(names.map((event, index) => reportEvent(databases[index % 3] ?? first, event.name, event)));
    over.abort();
    await Promise.all(looking);
    await settle(schedulerOn(first, 9), END + 10_000);
    const consumed = await first.reads.selectFrom('queuedAssetEvent').select(['dagId', 'eventKey', 'state']).execute();
    for (const [dagId] of SCHEDULES) {
      const runs = await runsOf(first, dagId);
      const taken = consumed.filter((event) => event.dagId === dagId && event.state === 'consumed').length;
      expect(runs.flatMap((run) => run.replace(/@.*/, '').split('+')).length, dagId).toBe(taken);
    }
    expect((await runsOf(first, 'all')).length).toBe(30);
  });
});

describe('the step', () => {
  test('asks nothing where nothing has happened', async () => {
    const database: Pick<Database, 'batch'> = { batch: () => Promise.reject(new Error('asked')) };
    const state = { ...schedulerOn(database as Database), mayStartRuns: false };
    await expect(decideQueuedEvents(state, 5)).resolves.toBeUndefined();
  });
});
