import { expect, test } from 'vitest';
import { seedOutbox } from '../../federation/testing/seed-outbox.ts';
import type { Database } from '../database.ts';
import { describeDatabases, describePostgres } from '../testing/describe-databases.ts';
import { claimOutbox, readNextAttempt } from './claim-outbox.ts';
import { markEventsSent, postponeEvents } from './settle-outbox.ts';

const NOW = 1_700_000_000_000;
const LEASE_MS = 30_000;
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `event-${String(index).padStart(3, '0')}`);

async function claim(database: Database, now: number, most = 10): Promise<readonly string[]> {
  const [claimed] = await database.batch([claimOutbox(now, LEASE_MS, most)]);
  return claimed.map(({ id }) => id).toSorted();
}

async function nextAttempt(database: Database): Promise<number | null | undefined> {
  const [rows] = await database.batch([readNextAttempt()]);
  return rows[0]?.nextAttemptAt;
}

const outboxOf = (database: Database) => database.reads.selectFrom('outbox').selectAll().orderBy('id').execute();

describeDatabases('claimOutbox', (open) => {
  test('hands out the events that are due, the longest due first, with what is needed to publish them', async () => {
    const database = await open();
    await seedOutbox(database, { ids: ['late'], now: NOW - 1 });
    await seedOutbox(database, { ids: ['later'], now: NOW });
    await seedOutbox(database, { ids: ['not-yet'], now: NOW + 1 });
    expect(await claim(database, NOW, 1)).toEqual(['late']);
    const [claimed] = await database.batch([claimOutbox(NOW, LEASE_MS, 10)]);
    expect(claimed).toEqual([
      {
        id: 'later',
        assetName: 'orders',
        target: '{"transport":"sns","topic":"orders"}',
        envelope: expect.stringContaining('"id":"later"') as string,
        attempts: 1,
      },
    ]);
  });

  test('does not hand out an event again before its lease ends, and then does', async () => {
    const database = await open();
    await seedOutbox(database, { ids: ids(2), now: NOW });
    expect(await claim(database, NOW)).toEqual(ids(2));
    expect(await claim(database, NOW + LEASE_MS - 1)).toEqual([]);
    expect(await nextAttempt(database)).toBe(NOW + LEASE_MS);
    expect(await claim(database, NOW + LEASE_MS)).toEqual(ids(2));
    expect((await outboxOf(database)).map(({ attempts }) => attempts)).toEqual([2, 2]);
  });

  test('never hands out an event that was sent, and says that nothing is due', async () => {
    const database = await open();
    await seedOutbox(database, { ids: ids(1), now: NOW });
    await database.batch([markEventsSent(ids(1), NOW)]);
    expect(await claim(database, NOW + LEASE_MS)).toEqual([]);
    expect(await nextAttempt(database)).toBeNull();
  });
});

describeDatabases('settling the outbox', (open) => {
  test('marks as sent once, whoever holds the event, and clears the last error', async () => {
    const database = await open();
    await seedOutbox(database, { ids: ids(1), now: NOW });
    await claim(database, NOW);
    await database.batch([postponeEvents([{ id: 'event-000', attempts: 1, reason: 'busy', nextAttemptAt: NOW }])]);
    await claim(database, NOW);
    expect((await database.batch([markEventsSent(ids(1), NOW + 1)]))[0]).toEqual([{ id: 'event-000' }]);
    expect((await database.batch([markEventsSent(ids(1), NOW + 2)]))[0]).toEqual([]);
    expect(await outboxOf(database)).toMatchObject([{ state: 'sent', sentAt: NOW + 1, lastError: null, attempts: 2 }]);
  });

  test('postpones with the reason', async () => {
    const database = await open();
    await seedOutbox(database, { ids: ids(1), now: NOW });
    await claim(database, NOW);
    await database.batch([postponeEvents([{ id: 'event-000', attempts: 1, reason: 'busy', nextAttemptAt: NOW + 500 }])]);
    expect(await outboxOf(database)).toMatchObject([{ state: 'pending', lastError: 'busy', nextAttemptAt: NOW + 500 }]);
  });

  test('refuses to postpone an event that another relay has claimed since, or that was sent', async () => {
    const database = await open();
    await seedOutbox(database, { ids: ids(2), now: NOW });
    await claim(database, NOW);
    await claim(database, NOW + LEASE_MS);
    await database.batch([markEventsSent(['event-001'], NOW)]);
    const late = ids(2).map((id) => ({ id, attempts: id === 'event-001' ? 2 : 1, reason: 'late', nextAttemptAt: 0 }));
    expect((await database.batch([postponeEvents(late)]))[0]).toEqual([]);
    expect((await outboxOf(database)).map(({ lastError }) => lastError)).toEqual([null, null]);
  });

  test('does nothing with empty lists', async () => {
    const database = await open();
    expect(await database.batch([markEventsSent([], NOW), postponeEvents([])])).toEqual([[], []]);
  });
});

describePostgres('claimOutbox', (open) => {
  test('hands every event to one of two relays that race', async () => {
    const [one, two] = [await open(), await open()];
    await seedOutbox(one, { ids: ids(200), now: NOW });
    const claimed: string[] = [];
    const claimAll = async (database: Database): Promise<void> => {
      for (;;) {
        const some = await claim(database, NOW, 7);
        if (some.length === 0) break;
        claimed.push(...some);
      }
    };
    await Promise.all([claimAll(one), claimAll(two), claimAll(two)]);
    // Whoever finds every due row held by others goes home; what they leave is claimed here.
    await claimAll(one);
    expect(claimed.toSorted()).toEqual(ids(200));
  });
});
