import type { SerializedDag, SerializedSchedule } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { runAt } from '../model/timetables/next-run.ts';
import { silentLog } from '../platform/log.ts';
import { createSeededRandom } from '../platform/testing/seeded-random.ts';
import type { Database } from '../store/database.ts';
import { describeDatabases } from '../store/testing/describe-databases.ts';
import { serializedDag, serializedTask } from '../store/testing/serialized-dag.ts';
import { insert, insertDagRun, insertTaskInstance } from '../store/testing/transition-fixtures.ts';
import { cancelBackfill, setBackfillPaused } from '../store/transitions/change-backfill.ts';
import { createBackfill, type NewBackfill } from '../store/transitions/create-backfill.ts';
import { advanceBackfills, type BackfillState } from './advance-backfills.ts';
import { addDag, rows } from './testing/stored-dags.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 21, 10);
const FROM = Date.UTC(2026, 10, 1);
const daily: SerializedSchedule = { kind: 'cron', expression: '0 0 * * *', timezone: 'UTC' };
const VERSION = 'version of dag_1';

function stateOn(database: Database, seed = 1): BackfillState {
  return {
    parts: { database, random: createSeededRandom(seed), log: silentLog },
    nextScheduledAt: undefined,
    mayStartRuns: false,
    schedules: { cursor: '', hasFullDags: false, lookedAt: 0 },
    backfills: { hasActive: false, nextLookAt: 0 },
  };
}

const backfillOf = (days: number, changes: Partial<NewBackfill> = {}): NewBackfill => ({
  requestId: 'request',
  dagId: 'dag_1',
  fromAt: FROM,
  toAt: FROM + (days - 1) * DAY_MS,
  conf: null,
  isBackwards: false,
  reprocessBehavior: 'none',
  maxActiveRuns: 3,
  runOnLatestVersion: true,
  dagVersionId: VERSION,
  triggeredBy: 'rest_api',
  triggeringUser: 'ann',
  runs: Array.from({ length: days }, (_, day) => runAt(FROM + day * DAY_MS)),
  ...changes,
});

const addOrders = (database: Database, changes: Partial<SerializedDag> = {}): Promise<void> =>
  addDag(database, serializedDag({ dagId: 'dag_1', schedule: daily, ...changes }));

/** One look, as the loop would take it after something has happened. */
async function look(state: BackfillState): Promise<void> {
  state.backfills.nextLookAt = 0;
  await advanceBackfills(state, NOW);
}

const runIds = async (database: Database, where = '1 = 1'): Promise<readonly string[]> =>
  (await rows<{ id: string }>(database, `select run_id as id from dag_run where ${where} order by run_after_at`)).map(({ id }) =>
    id.replace('T00:00:00+00:00', ''),
  );

const datesOf = (database: Database): Promise<readonly { ordinal: number; run: number; reason: string | null }[]> =>
  rows(
    database,
    `select sort_ordinal as ordinal, case when dag_run_id is null then 0 else 1 end as run, exception_reason as reason
     from backfill_dag_run order by sort_ordinal`,
  );

const endRuns = (database: Database, state: string): Promise<readonly unknown[]> =>
  rows(database, `update dag_run set state = '${state}', ended_at = 1 where state in ('queued', 'running')`);

describeDatabases('backfills', (open) => {
  test('make their runs in order, up to their own limit, and go on as runs end until all have', async () => {
    const database = await open();
    await addOrders(database);
    expect(await createBackfill(database, backfillOf(5, { conf: '{"region":"eu"}' }), NOW)).toEqual({ outcome: 'created', id: 1 });
    const state = stateOn(database);
    await look(state);
    expect(await runIds(database)).toEqual(['backfill__2026-11-01', 'backfill__2026-11-02', 'backfill__2026-11-03']);
    expect(state).toMatchObject({ mayStartRuns: true, backfills: { hasActive: true } });
    expect(await rows(database, `select distinct run_type, triggered_by, triggering_user, conf, state, backfill_id from dag_run`)).toEqual([
      { run_type: 'backfill', triggered_by: 'backfill', triggering_user: 'ann', conf: '{"region":"eu"}', state: 'queued', backfill_id: 1 },
    ]);

    await look(state);
    expect(await runIds(database)).toHaveLength(3);
    await endRuns(database, 'success');
    await look(state);
    expect(await runIds(database)).toHaveLength(5);
    await look(state);
    expect(await rows(database, 'select completed_at from backfill')).toEqual([{ completed_at: null }]);
    await endRuns(database, 'failed');
    await look(state);
    expect(await rows(database, 'select completed_at from backfill')).toEqual([{ completed_at: NOW }]);
    expect(await datesOf(database)).toEqual([1, 2, 3, 4, 5].map((ordinal) => ({ ordinal, run: 1, reason: null })));
  });

  test('go backwards where their dates are in that order', async () => {
    const database = await open();
    await addOrders(database);
    await createBackfill(database, backfillOf(5, { isBackwards: true, runs: backfillOf(5).runs.toReversed(), maxActiveRuns: 2 }), NOW);
    await look(stateOn(database));
    expect(await runIds(database)).toEqual(['backfill__2026-11-04', 'backfill__2026-11-05']);
  });

  test('leave the dates that have a run, and say why', async () => {
    const database = await open();
    await addOrders(database);
    const states = ['success', 'failed', 'queued', 'running'];
    for (const [day, state] of states.entries()) {
      await insertDagRun(database, `run_${day}`, { state, logical_at: FROM + day * DAY_MS, dag_version_id: VERSION });
    }
    await createBackfill(database, backfillOf(6, { maxActiveRuns: 1 }), NOW);
    await look(stateOn(database));
    expect(await datesOf(database)).toEqual([
      { ordinal: 1, run: 0, reason: 'already exists' },
      { ordinal: 2, run: 0, reason: 'already exists' },
      { ordinal: 3, run: 0, reason: 'in flight' },
      { ordinal: 4, run: 0, reason: 'in flight' },
      { ordinal: 5, run: 1, reason: null },
      { ordinal: 6, run: 0, reason: null },
    ]);
  });

  test('a date whose run id somebody else has is passed over', async () => {
    const database = await open();
    await addOrders(database);
    await insertDagRun(database, 'backfill__2026-11-01T00:00:00+00:00', { logical_at: 5, state: 'success', dag_version_id: VERSION });
    await createBackfill(database, backfillOf(2), NOW);
    await look(stateOn(database));
    expect(await datesOf(database)).toEqual([
      { ordinal: 1, run: 0, reason: 'unknown' },
      { ordinal: 2, run: 1, reason: null },
    ]);
  });

  test('run ended runs again where they are to: as their own, with the tries of the tasks anew, and without their values', async () => {
    const database = await open();
    await addOrders(database, { tasks: [serializedTask('task_1', { retries: 2 })] });
    await insertDagRun(database, 'run_1', {
      state: 'failed',
      run_type: 'scheduled',
      logical_at: FROM,
      dag_version_id: VERSION,
      started_at: 5,
      ended_at: 6,
      conf: '{"kept":1}',
      scheduler_term: null,
    });
    await insertTaskInstance(database, 'failed', { try_number: 3, epoch: 4, started_at: 5, ended_at: 6, failure: '{}' });
    await database.batch([
      insert('xcom', { dag_run_id: 'run_1', task_id: 'task_1', map_index: -1, key: 'return_value', value: '1', created_at: 0 }),
      insert('mapped_scope', { dag_run_id: 'run_1', scope_id: 'task_1', length: 2 }),
    ]);
    await createBackfill(database, backfillOf(2, { reprocessBehavior: 'failed' }), NOW);
    await look(stateOn(database));
    expect(
      await rows(
        database,
        `select run_type, state, backfill_id, conf, revision, clear_number, started_at, ended_at, scheduler_term from dag_run where id = 'run_1'`,
      ),
    ).toEqual([
      {
        run_type: 'backfill',
        state: 'queued',
        backfill_id: 1,
        conf: '{"kept":1}',
        revision: 1,
        clear_number: 1,
        started_at: null,
        ended_at: null,
        scheduler_term: null,
      },
    ]);
    expect(await rows(database, 'select state, epoch, try_number, max_tries, started_at, failure from task_instance')).toEqual([
      { state: 'none', epoch: 5, try_number: 3, max_tries: 6, started_at: null, failure: null },
    ]);
    expect(await rows(database, 'select state, epoch, try_number, started_at, ended_at, failure from task_instance_history')).toEqual([
      { state: 'failed', epoch: 4, try_number: 3, started_at: 5, ended_at: 6, failure: '{}' },
    ]);
    expect(await rows(database, 'select 1 from xcom union all select 1 from mapped_scope')).toEqual([]);
    expect(await datesOf(database)).toEqual([
      { ordinal: 1, run: 1, reason: null },
      { ordinal: 2, run: 1, reason: null },
    ]);
  });

  test('leave a run that ended until its scheduler has let go of it', async () => {
    const database = await open();
    await addOrders(database);
    await insertDagRun(database, 'run_1', { state: 'failed', logical_at: FROM, dag_version_id: VERSION, scheduler_term: 1 });
    await createBackfill(database, backfillOf(2, { reprocessBehavior: 'failed' }), NOW);
    const state = stateOn(database);
    await look(state);
    expect(await datesOf(database)).toEqual([
      { ordinal: 1, run: 0, reason: null },
      { ordinal: 2, run: 1, reason: null },
    ]);
    await rows(database, `update dag_run set scheduler_term = null where id = 'run_1'`);
    await look(state);
    expect(await rows(database, `select state, run_type from dag_run where id = 'run_1'`)).toEqual([
      { state: 'queued', run_type: 'backfill' },
    ]);
  });

  test('run on the version that the dag had when they were created, where they are told so', async () => {
    const database = await open();
    await addOrders(database);
    await createBackfill(database, backfillOf(1, { runOnLatestVersion: false }), NOW);
    await rows(
      database,
      `insert into dag_version (id, dag_id, version_number, content_hash, bundle_version, serialized, created_at)
       select 'newer', dag_id, 2, 'other', 'other', serialized, 1 from dag_version`,
    );
    await rows(database, `update dag set dag_version_id = 'newer', bundle_version = 'other'`);
    await look(stateOn(database));
    expect(await rows(database, 'select dag_version_id, bundle_version from dag_run')).toEqual([
      { dag_version_id: VERSION, bundle_version: 'bundle' },
    ]);
    await endRuns(database, 'success');
    await look(stateOn(database));
    const again = backfillOf(1, { requestId: 'second', dagVersionId: 'newer', reprocessBehavior: 'completed' });
    expect(await createBackfill(database, again, NOW)).toMatchObject({ outcome: 'created' });
    await look(stateOn(database));
    expect(await rows(database, 'select dag_version_id, bundle_version, state from dag_run')).toEqual([
      { dag_version_id: 'newer', bundle_version: 'other', state: 'queued' },
    ]);
  });

  test('a dag has one that is active, and may have another after it', async () => {
    const database = await open();
    await addOrders(database);
    const outcomes = await Promise.all(
      ['a', 'b', 'c'].map(async (requestId) => createBackfill(await open(), backfillOf(1, { requestId }), NOW)),
    );
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['already_running', 'already_running', 'created']);
    expect(await datesOf(database)).toHaveLength(1);
    await cancelBackfill(database, 1, NOW);
    const ids = await rows<{ id: number }>(database, 'select id from backfill where completed_at is null');
    for (const { id } of ids) await cancelBackfill(database, id, NOW);
    expect(await createBackfill(database, backfillOf(1, { requestId: 'd' }), NOW)).toMatchObject({ outcome: 'created' });
  });

  test.each([
    ['unknown_dag', 'no such dag', {}],
    ['dag_changed', 'dag_1', { dagVersionId: 'older' }],
  ] as const)('are refused as %s', async (outcome, dagId, changes) => {
    const database = await open();
    await addOrders(database);
    expect(await createBackfill(database, backfillOf(1, { dagId, ...changes }), NOW)).toEqual({ outcome });
    expect(await datesOf(database)).toEqual([]);
  });

  test('are refused of a dag that is gone', async () => {
    const database = await open();
    await addDag(database, serializedDag({ dagId: 'dag_1', schedule: daily }), { is_stale: 1 });
    expect(await createBackfill(database, backfillOf(1), NOW)).toEqual({ outcome: 'stale_dag' });
  });

  test('make nothing while they, or their dag, are paused', async () => {
    const database = await open();
    await addOrders(database);
    await createBackfill(database, backfillOf(1), NOW);
    expect(await setBackfillPaused(database, 1, true, NOW)).toBe('changed');
    expect(await setBackfillPaused(database, 1, true, NOW)).toBe('unchanged');
    await look(stateOn(database));
    expect(await runIds(database)).toEqual([]);
    expect(await setBackfillPaused(database, 1, false, NOW)).toBe('changed');
    await rows(database, 'update dag set is_paused = 1');
    await look(stateOn(database));
    expect(await runIds(database)).toEqual([]);
    await rows(database, 'update dag set is_paused = 0');
    await look(stateOn(database));
    expect(await runIds(database)).toHaveLength(1);
    expect(await setBackfillPaused(database, 9, true, NOW)).toBe('not_found');
  });

  test('that are cancelled fail what has not started, let go on what runs, and make no more', async () => {
    const database = await open();
    await addOrders(database);
    await createBackfill(database, backfillOf(5), NOW);
    const state = stateOn(database);
    await look(state);
    await rows(database, `update dag_run set state = 'running' where run_id like '%2026-11-02%'`);
    expect(await cancelBackfill(database, 1, NOW + 1)).toBe('changed');
    expect(await rows(database, 'select state, ended_at, revision from dag_run order by run_after_at')).toEqual([
      { state: 'failed', ended_at: NOW + 1, revision: 1 },
      { state: 'running', ended_at: null, revision: 0 },
      { state: 'failed', ended_at: NOW + 1, revision: 1 },
    ]);
    expect(await rows(database, 'select is_paused, completed_at from backfill')).toEqual([{ is_paused: 1, completed_at: NOW + 1 }]);
    await look(state);
    expect(await runIds(database)).toHaveLength(3);
    expect(await cancelBackfill(database, 1, NOW + 2)).toBe('completed');
    expect(await setBackfillPaused(database, 1, false, NOW)).toBe('completed');
    expect(await cancelBackfill(database, 9, NOW)).toBe('not_found');
  });

  test('never pass their limit, and make each run once, whatever schedulers race', async () => {
    const database = await open();
    const other = await open();
    await addOrders(database);
    await createBackfill(database, backfillOf(40, { maxActiveRuns: 7 }), NOW);
    const states = [stateOn(database, 1), stateOn(other, 2), stateOn(database, 3), stateOn(other, 4)];
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(states.map(look));
      const [active] = await rows<{ runs: number }>(database, `select count(*) as runs from dag_run where state = 'queued'`);
      expect(active?.runs).toBeLessThanOrEqual(7);
      await endRuns(database, 'success');
    }
    await look(stateOn(database));
    expect(await runIds(database)).toHaveLength(40);
    expect(await rows(database, 'select count(distinct dag_run_id) as runs from backfill_dag_run')).toEqual([{ runs: 40 }]);
    expect(await rows(database, 'select completed_at from backfill')).toEqual([{ completed_at: NOW }]);
  });

  test('two of different dags go on side by side', async () => {
    const database = await open();
    await addOrders(database);
    await addDag(database, serializedDag({ dagId: 'dag_2', schedule: daily }));
    await createBackfill(database, backfillOf(2), NOW);
    await createBackfill(database, backfillOf(2, { requestId: 'two', dagId: 'dag_2', dagVersionId: 'version of dag_2' }), NOW);
    await look(stateOn(database));
    expect(await rows(database, 'select dag_id, count(*) as runs from dag_run group by dag_id order by dag_id')).toEqual([
      { dag_id: 'dag_1', runs: 2 },
      { dag_id: 'dag_2', runs: 2 },
    ]);
  });
});
