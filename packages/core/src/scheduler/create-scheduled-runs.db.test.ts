import type { SerializedSchedule } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { silentLog } from '../platform/log.ts';
import { createSeededRandom } from '../platform/testing/seeded-random.ts';
import type { Database } from '../store/database.ts';
import { describeDatabases } from '../store/testing/describe-databases.ts';
import { serializedDag } from '../store/testing/serialized-dag.ts';
import { insert, insertDagRun } from '../store/testing/transition-fixtures.ts';
import { createScheduledRuns, type SchedulingState } from './create-scheduled-runs.ts';
import { addDag, rows } from './testing/stored-dags.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 21, 10);
const TODAY = Date.UTC(2026, 10, 21);
const daily: SerializedSchedule = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' };

function stateOn(database: Database): SchedulingState {
  return {
    parts: { database, random: createSeededRandom(1), log: silentLog },
    nextScheduledAt: NOW,
    mayStartRuns: false,
    schedules: { cursor: '', hasFullDags: false, lookedAt: 0 },
  };
}

const runIdsOf = async (database: Database, dagId: string): Promise<readonly string[]> =>
  (await rows<{ id: string }>(database, `select run_id as id from dag_run where dag_id = '${dagId}' order by run_after_at, run_id`)).map(
    ({ id }) => id,
  );

describeDatabases('createScheduledRuns', (open) => {
  test('creates the run that is due, with its data interval, and looks again when the next one is', async () => {
    const database = await open();
    const schedule: SerializedSchedule = { kind: 'cron_interval', expression: '0 0 * * *', timezone: 'UTC' };
    await addDag(database, serializedDag({ dagId: 'sales', schedule }), { next_run_at: TODAY });
    const state = stateOn(database);
    await createScheduledRuns(state, NOW);
    expect(
      await rows(
        database,
        `select run_id, run_type, state, logical_at, interval_start_at, interval_end_at, run_after_at, triggered_by from dag_run`,
      ),
    ).toEqual([
      {
        run_id: 'scheduled__2026-11-21T00:00:00+00:00',
        run_type: 'scheduled',
        state: 'queued',
        logical_at: TODAY - DAY_MS,
        interval_start_at: TODAY - DAY_MS,
        interval_end_at: TODAY,
        run_after_at: TODAY,
        triggered_by: 'timetable',
      },
    ]);
    expect(state).toMatchObject({ nextScheduledAt: TODAY + DAY_MS, mayStartRuns: true });
  });

  test('with catchup creates runs until the dag is full, and goes on when a run has ended', async () => {
    const database = await open();
    const dag = serializedDag({ dagId: 'old', schedule: daily, catchup: true, startDate: '2026-01-01T00:00:00Z', maxActiveRuns: 3 });
    await addDag(database, dag, { next_run_at: Date.UTC(2026, 0, 1) });
    const state = stateOn(database);
    await createScheduledRuns(state, NOW);
    expect(await runIdsOf(database, 'old')).toEqual([1, 2, 3].map((day) => `scheduled__2026-01-0${day}T00:00:00+00:00`));
    expect(state.schedules.hasFullDags).toBe(true);
    expect(state.nextScheduledAt).toBe(NOW + 1_000);

    await rows(database, `update dag_run set state = 'success' where run_id = 'scheduled__2026-01-02T00:00:00+00:00'`);
    state.mayStartRuns = true;
    await createScheduledRuns(state, NOW + 1);
    expect(await runIdsOf(database, 'old')).toHaveLength(4);
    state.mayStartRuns = false;
    await createScheduledRuns(state, NOW + 2);
    expect(await runIdsOf(database, 'old')).toHaveLength(4);
  });

  test('gives each dag its turn while some have thousands of runs to make', async () => {
    const database = await open();
    const dag = serializedDag({ schedule: daily, catchup: true, startDate: '2000-01-01T00:00:00Z', maxActiveRuns: 10_000 });
    for (let index = 0; index < 101; index += 1) {
      const dagId = `dag ${String(index).padStart(3, '0')}`;
      await addDag(database, { ...dag, dagId }, { next_run_at: Date.UTC(2000, 0, 1) });
    }
    const state = stateOn(database);
    await createScheduledRuns(state, NOW);
    expect(await rows(database, 'select count(*) as runs, count(distinct dag_id) as dags from dag_run')).toEqual([
      { runs: 1_000, dags: 100 },
    ]);
    expect(state.nextScheduledAt).toBe(NOW);
    await createScheduledRuns(state, NOW);
    expect(await runIdsOf(database, 'dag 100')).toHaveLength(10);
    expect(await runIdsOf(database, 'dag 000')).toHaveLength(20);
    expect(await runIdsOf(database, 'dag 099')).toHaveLength(10);
  });

  test('a backfill does not count against the dag’s limit', async () => {
    const database = await open();
    await addDag(database, serializedDag({ dagId: 'dag_1', schedule: daily, maxActiveRuns: 1 }), { next_run_at: TODAY });
    await insertDagRun(database, 'filled', { backfill_id: 1, run_type: 'backfill', dag_version_id: 'version of dag_1' });
    const state = stateOn(database);
    await createScheduledRuns(state, NOW);
    expect(await runIdsOf(database, 'dag_1')).toContain('scheduled__2026-11-21T00:00:00+00:00');
  });

  test('leaves dags that are paused, gone or broken', async () => {
    const database = await open();
    await addDag(database, serializedDag({ dagId: 'paused', schedule: daily }), { next_run_at: TODAY, is_paused: 1 });
    await addDag(database, serializedDag({ dagId: 'stale', schedule: daily }), { next_run_at: TODAY, is_stale: 1 });
    await addDag(database, serializedDag({ dagId: 'broken', schedule: daily }), { next_run_at: TODAY });
    await database.batch([insert('import_error', { path: 'broken.ts', message: 'no', created_at: 0 })]);
    const state = stateOn(database);
    await createScheduledRuns(state, NOW);
    expect(await rows(database, 'select run_id from dag_run')).toEqual([]);
    expect(state.nextScheduledAt).toBeUndefined();
  });

  test('passes over a slot and a run id that somebody took by hand', async () => {
    const database = await open();
    await addDag(database, serializedDag({ dagId: 'dag_1', schedule: daily, catchup: true, startDate: '2026-01-01T00:00:00Z' }), {
      next_run_at: TODAY - 2 * DAY_MS,
    });
    await insertDagRun(database, 'mine', { logical_at: TODAY - 2 * DAY_MS, dag_version_id: 'version of dag_1' });
    await insertDagRun(database, 'scheduled__2026-11-20T00:00:00+00:00', { logical_at: null, dag_version_id: 'version of dag_1' });
    const state = stateOn(database);
    await createScheduledRuns(state, NOW);
    expect(await runIdsOf(database, 'dag_1')).toEqual([
      'mine',
      'scheduled__2026-11-20T00:00:00+00:00',
      'scheduled__2026-11-21T00:00:00+00:00',
    ]);
    expect(state.nextScheduledAt).toBe(TODAY + DAY_MS);
  });

  test('two schedulers make each run once', async () => {
    const database = await open();
    const other = await open();
    const dag = serializedDag({ dagId: 'old', schedule: daily, catchup: true, startDate: '2026-11-01T00:00:00Z', maxActiveRuns: 100 });
    await addDag(database, dag, { next_run_at: Date.UTC(2026, 10, 1) });
    const states = [stateOn(database), stateOn(other)];
    for (let pass = 0; pass < 4; pass += 1) await Promise.all(states.map((state) => createScheduledRuns(state, NOW)));
    const runIds = await runIdsOf(database, 'old');
    expect(runIds).toHaveLength(21);
    expect(new Set(runIds).size).toBe(21);
  });

  test('runs of a timetable of the author’s own come from what its code has named', async () => {
    const database = await open();
    await addDag(database, serializedDag({ dagId: 'tides', schedule: { kind: 'custom', summary: 'at high tide' } }), {
      next_run_at: TODAY,
    });
    const named = { logicalAt: TODAY - 5, runAfterAt: TODAY, intervalStartAt: TODAY - 9, intervalEndAt: TODAY - 1 };
    await database.batch([
      insert('timetable_stock', {
        dag_id: 'tides',
        bundle_version: 'bundle',
        runs: JSON.stringify([named]),
        is_exhausted: 0,
        evaluated_at: 0,
      }),
    ]);
    const state = stateOn(database);
    await createScheduledRuns(state, NOW);
    expect(await rows(database, 'select logical_at, interval_start_at, interval_end_at from dag_run')).toEqual([
      { logical_at: TODAY - 5, interval_start_at: TODAY - 9, interval_end_at: TODAY - 1 },
    ]);
    expect(state.nextScheduledAt).toBeUndefined();
  });

  test('a dag whose due time nothing explains waits and does not keep the loop busy', async () => {
    const database = await open();
    await addDag(database, serializedDag({ dagId: 'tides', schedule: { kind: 'custom', summary: 'at high tide' } }), {
      next_run_at: TODAY,
    });
    const state = stateOn(database);
    await createScheduledRuns(state, NOW);
    expect(await rows(database, `select next_run_at from dag`)).toEqual([{ next_run_at: null }]);
    expect(state.nextScheduledAt).toBeUndefined();
  });
});
