import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { subscriptionBalances } from '../store/reads/federation.ts';
import { describeDatabases } from '../store/testing/describe-databases.ts';
import { startConsumer } from './consumer.ts';
import { createFakeBroker, type FakeBroker } from './testing/fake-broker.ts';
import { createSeededRandom } from '../platform/testing/seeded-random.ts';
import { SEEDED_SUBSCRIPTION as QUEUE, seedSubscription } from './testing/seed-subscription.ts';

const random = systemRandom(() => systemClock.now());

function consume(database: Database, broker: FakeBroker): void {
  const consumer = startConsumer({
    subscription: QUEUE,
    source: broker.openSource(QUEUE),
    database,
    clock: systemClock,
    random,
    log: silentLog,
    onRunRequested: () => {},
    onActivity: () => {},
  });
  onTestFinished(() => consumer.stop());
}

/** Waits until everything was acknowledged. */
const drain = (broker: FakeBroker): Promise<void> =>
  vi.waitFor(
    () => {
      expect(broker.remaining(QUEUE)).toBe(0);
    },
    { timeout: 25_000, interval: 10 },
  );

describeDatabases('consumers', (open) => {
  test('that race on one queue make one run of each event, and the balance adds up', async () => {
    const databases = [await open(), await open(), await open()];
    const [database] = databases;
    if (database === undefined) throw new Error('no database');
    const broker = createFakeBroker({
      clock: systemClock,
      random: createSeededRandom(3),
      visibilityTimeoutMs: 200,
      failedAcknowledgementFraction: 0.1,
      isReordering: true,
    });
    broker.createQueue(QUEUE);
    await seedSubscription(database);
    for (let event = 0; event < 300; event += 1) {
      const body = JSON.stringify({ specversion: '1.0', id: `e-${event}`, source: '/peer', type: 't' });
      for (let copy = 0; copy <= event % 3; copy += 1) broker.send(QUEUE, { body });
    }
    for (const one of databases) consume(one, broker);
    await drain(broker);
    const runIds = (await database.reads.selectFrom('runRequest').select('runId').execute()).map(({ runId }) => runId);
    expect(runIds).toHaveLength(300);
    expect(new Set(runIds).size).toBe(300);
    const [balance] = await subscriptionBalances(database);
    expect(balance).toMatchObject({ pending: 300, ran: 0, unmatched: 0, quarantined: 0 });
    expect(balance?.deduplicated).toBeGreaterThanOrEqual(300);
    expect(balance?.received).toBe(300 + (balance?.deduplicated ?? 0));
  });

  test('store texts that a database might refuse, and go on', async () => {
    const database = await open();
    const broker = createFakeBroker({ clock: systemClock, random: createSeededRandom(4) });
    broker.createQueue(QUEUE);
    await seedSubscription(database, { assets: [{ name: 'orders', dags: [{ dagId: 'load', params: { text: { type: 'string' } } }] }] });
    const strange = '\u0000 \ud800 \uFFFE 漢🚀 \u2028 \\u0000 "\'';
    broker.send(QUEUE, { body: strange, attributes: { note: strange } });
    broker.send(QUEUE, {
      body: JSON.stringify({ specversion: '1.0', id: strange, source: strange, type: strange, data: { text: strange } }),
    });
    broker.send(QUEUE, { body: `{"specversion":"1.0","id":"\\u0000"}` });
    broker.send(QUEUE, { body: `{"text":"\\u0000\\ud800"}` });
    consume(database, broker);
    await drain(broker);
    const rows = await database.reads.selectFrom('inbox').selectAll().orderBy('id').execute();
    expect(rows.map(({ status }) => status)).toEqual(['quarantined', 'accepted', 'quarantined', 'accepted']);
    expect(rows[0]?.body).toBe(strange.toWellFormed().replace('\u0000', '␀'));
    expect(JSON.parse(rows[0]?.attributes ?? '')).toMatchObject({ note: strange });
    const requests = await database.reads.selectFrom('runRequest').select(['state', 'conf']).orderBy('id').execute();
    expect(requests.map(({ state }) => state)).toEqual(['refused', 'pending', 'pending']);
    expect(JSON.parse(requests[1]?.conf ?? '')).toEqual({ text: strange });
    expect(JSON.parse(requests[2]?.conf ?? '')).toEqual({ text: '\u0000\ud800' });
  });
});
