import type { SerializedDag } from '@tradewind/protocol';
import { expect, test, vi } from 'vitest';
import { systemRandom } from '../../platform/random.ts';
import type { Database } from '../database.ts';
import { saveParsedFile } from '../save-parsed-file.ts';
import { describeDatabases, describePostgres } from '../testing/describe-databases.ts';
import { beforeEveryBatch, beforeSecondBatch } from '../testing/interfering-database.ts';
import { hashed, serializedDag } from '../testing/serialized-dag.ts';
import { rescheduleDags } from './save-dags.ts';
import { setDagPaused } from './set-dag-paused.ts';

const NOW = Date.parse('2026-11-21T10:00:00Z');
const DAY_MS = 86_400_000;
const daily = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' } as const;

async function save(database: Database, changes: Partial<SerializedDag>): Promise<void> {
  const file = { file: 'orders.ts', contentHash: '', dependencies: {}, version: { bundleVersion: 'one' }, warnings: [], parseMs: 1 };
  const random = systemRandom(() => NOW);
  await saveParsedFile(database, { ...file, dags: [hashed(serializedDag(changes))] }, { now: NOW, newId: () => random.uuid() });
}

async function read(database: Database): Promise<[isPaused: number, nextRunAt: string | null] | undefined> {
  const dag = await database.reads.selectFrom('dag').select(['isPaused', 'nextRunAt']).executeTakeFirst();
  return dag && [dag.isPaused, dag.nextRunAt === null ? null : new Date(dag.nextRunAt).toISOString()];
}

describeDatabases('setDagPaused', (open) => {
  test('pauses and goes on, each once', async () => {
    const database = await open();
    await save(database, { schedule: daily });
    expect(await setDagPaused(database, 'orders', true, NOW)).toBe('changed');
    expect(await setDagPaused(database, 'orders', true, NOW)).toBe('unchanged');
    expect(await read(database)).toEqual([1, '2026-11-22T00:00:00.000Z']);
    expect(await setDagPaused(database, 'orders', false, NOW)).toBe('changed');
    expect(await setDagPaused(database, 'orders', false, NOW)).toBe('unchanged');
    expect(await read(database)).toEqual([0, '2026-11-22T00:00:00.000Z']);
  });

  test('knows no other dag', async () => {
    expect(await setDagPaused(await open(), 'orders', true, NOW)).toBe('not_found');
  });

  test('without catchup goes on with the latest tick and not with a backlog', async () => {
    const database = await open();
    await save(database, { schedule: daily, startDate: '2026-11-21T00:00:00Z', isPausedUponCreation: true });
    expect(await read(database)).toEqual([1, '2026-11-21T00:00:00.000Z']);
    await setDagPaused(database, 'orders', false, NOW + 10 * DAY_MS);
    expect(await read(database)).toEqual([0, '2026-12-01T00:00:00.000Z']);
  });

  test('without catchup, a start date or a past run goes on with the next tick', async () => {
    const database = await open();
    await save(database, { schedule: daily, isPausedUponCreation: true });
    await setDagPaused(database, 'orders', false, NOW + 10 * DAY_MS);
    expect(await read(database)).toEqual([0, '2026-12-02T00:00:00.000Z']);
  });

  test('with catchup goes on where it stopped', async () => {
    const database = await open();
    await save(database, { schedule: daily, startDate: '2026-11-21T00:00:00Z', catchup: true, isPausedUponCreation: true });
    await setDagPaused(database, 'orders', false, NOW + 10 * DAY_MS);
    expect(await read(database)).toEqual([0, '2026-11-21T00:00:00.000Z']);
  });

  test('works for a dag without a schedule', async () => {
    const database = await open();
    await save(database, {});
    expect(await setDagPaused(database, 'orders', true, NOW)).toBe('changed');
    expect(await setDagPaused(database, 'orders', false, NOW)).toBe('changed');
    expect(await read(database)).toEqual([0, null]);
  });

  test('looks again where the scheduler moved the due time on meanwhile', async () => {
    const database = await open();
    await save(database, { schedule: daily });
    const due = Date.parse('2026-11-22T00:00:00Z');
    const racing = beforeSecondBatch(database, async () => {
      await database.batch([rescheduleDags([{ dagId: 'orders', expectedNextRunAt: due, nextRunAt: due + DAY_MS }])]);
    });
    expect(await setDagPaused(racing, 'orders', true, NOW)).toBe('changed');
    expect(await read(database)).toEqual([1, '2026-11-23T00:00:00.000Z']);
  });

  test('is a conflict where the due time never rests', async () => {
    const database = await open();
    await save(database, { schedule: daily });
    let due = Date.parse('2026-11-22T00:00:00Z');
    const restless = beforeEveryBatch(database, async () => {
      await database.batch([rescheduleDags([{ dagId: 'orders', expectedNextRunAt: due, nextRunAt: due + DAY_MS }])]);
      due += DAY_MS;
    });
    await expect(setDagPaused(restless, 'orders', true, NOW)).rejects.toMatchObject({ code: 'conflict' });
    expect((await read(database))?.[0]).toBe(0);
  });

  test('of two that pause at once one did', async () => {
    const [one, two] = [await open(), await open()];
    await save(one, { schedule: daily });
    const outcomes = await Promise.all([setDagPaused(one, 'orders', true, NOW), setDagPaused(two, 'orders', true, NOW)]);
    expect(outcomes.toSorted()).toEqual(['changed', 'unchanged']);
  });
});

describePostgres('setDagPaused', (open) => {
  test('wakes the schedulers of other processes', async () => {
    const [listener, database] = [await open(), await open()];
    await save(database, { schedule: daily, isPausedUponCreation: true });
    const wake = vi.fn();
    listener.onWake(wake);
    // The first call says that listening has begun.
    await vi.waitFor(() => {
      expect(wake).toHaveBeenCalled();
    });
    wake.mockClear();
    await setDagPaused(database, 'orders', false, NOW);
    await vi.waitFor(() => {
      expect(wake).toHaveBeenCalled();
    });
  });
});
