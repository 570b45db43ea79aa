import { DAG_RUN_STATES, DAG_RUN_TRANSITIONS, type DagRunState } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import type { Database, Statement } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insert, insertDag, insertDagRun, insertTaskInstance, read } from '../testing/transition-fixtures.ts';
import { claimRunRequests, createRequestedDagRuns, linkTriggeringEvents, releaseClaim } from './claim-run-requests.ts';
import { advanceNextRuns, createScheduledDagRuns, type ScheduledDagRun } from './create-scheduled-dag-run.ts';
import { finishDagRuns } from './finish-dag-runs.ts';
import { finishTaskInstances } from './finish-task-instances.ts';
import { holdDagRuns, releaseRefusedDagRuns } from './hold-dag-runs.ts';
import { endExpiredJobs, endJob, endOtherJobs, heartbeatJob, startJob } from './jobs.ts';
import { adoptDagRuns, lockDagsWithQueuedRuns, startDagRuns } from './start-dag-runs.ts';

const TICK = '1.1';
const NOW = 1_000;
const hold = holdDagRuns(TICK, 1, NOW, [{ id: 'run_1', revision: 0 }]);
const start = (database: Database, term = 1) => database.batch([lockDagsWithQueuedRuns(NOW), startDagRuns(term, NOW, 100)]);
const OWNER = { kind: 'scheduler', hostname: 'host', pid: 1, leaseMs: 60_000 } as const;

describeDatabases('transitions of dag runs', (open) => {
  test('are together exactly those of the protocol', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    const transitions: readonly (readonly [DagRunState, Statement<{ id: string }>])[] = [
      ['running', startDagRuns(1, NOW, 100)],
      ['success', finishDagRuns(TICK, NOW, [{ id: 'run_1', state: 'success', reason: null, pauseAfter: 0 }])],
      ['failed', finishDagRuns(TICK, NOW, [{ id: 'run_1', state: 'failed', reason: null, pauseAfter: 0 }])],
    ];
    const found: Partial<Record<DagRunState, DagRunState[]>> = {};
    for (const from of DAG_RUN_STATES) {
      found[from] = [];
      for (const [to, statement] of transitions) {
        await setRun(database, `state = '${from}', scheduler_term = 1`);
        const [, changed] = await database.batch([hold, statement]);
        if (changed.length > 0 && (await read(database, 'dag_run', 'state', 'run_1')) === to) found[from].push(to);
      }
    }
    expect(found).toEqual(DAG_RUN_TRANSITIONS);
  });

  test('a start counts the runs that are active and takes the oldest first', async () => {
    const database = await open();
    await insertDag(database, { max_active_runs: 2 });
    await insertDagRun(database, 'active');
    for (const [id, at] of [
      ['late', 30],
      ['first', 10],
      ['second', 20],
    ] as const) {
      await insertDagRun(database, id, { state: 'queued', scheduler_term: null, run_after_at: at });
    }
    const [, started] = await start(database);
    expect(started.map(({ id }) => id)).toEqual(['first']);
  });

  test('a start counts the runs of a backfill against its own limit, and leaves those of one that is paused', async () => {
    const database = await open();
    await insertDag(database, { max_active_runs: 1 });
    const backfill = { dag_id: 'dag_1', from_at: 0, to_at: 1, is_backwards: 0, reprocess_behavior: 'none', run_on_latest_version: 1 };
    const facts = { dag_version_id: 'version_1', bundle_version: 'bundle', triggered_by: 'test', created_at: 0, updated_at: 0 };
    await database.batch([
      insert('backfill', { ...backfill, ...facts, request_id: 'a', is_paused: 0, max_active_runs: 2, completed_at: 9 }),
      insert('backfill', { ...backfill, ...facts, request_id: 'b', is_paused: 1, max_active_runs: 2, completed_at: 9 }),
    ]);
    for (const [id, backfillId] of [
      ['filled_1', 1],
      ['filled_2', 1],
      ['filled_3', 1],
      ['paused', 2],
      ['scheduled_1', null],
      ['scheduled_2', null],
    ] as const) {
      await insertDagRun(database, id, { state: 'queued', scheduler_term: null, backfill_id: backfillId });
    }
    const [, started] = await start(database);
    expect(started.map(({ id }) => id).toSorted()).toEqual(['filled_1', 'filled_2', 'scheduled_1']);
    expect((await start(database))[1]).toEqual([]);
  });

  test('a start leaves runs of the future and of paused dags', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database, 'tomorrow', { state: 'queued', run_after_at: NOW + 1 });
    expect((await start(database))[1]).toEqual([]);
    await setRun(database, 'run_after_at = 0');
    await database.batch([{ name: 'test_pause', text: () => 'update dag set is_paused = 1', values: [] }]);
    expect((await start(database))[1]).toEqual([]);
  });

  test('racing starts never pass the limit', async () => {
    const database = await open();
    const other = await open();
    await insertDag(database, { max_active_runs: 3 });
    for (let index = 0; index < 20; index += 1) await insertDagRun(database, `run_${index}`, { state: 'queued', scheduler_term: null });
    const started = await Promise.all(Array.from({ length: 8 }, (_, index) => start(index % 2 === 0 ? database : other, index)));
    expect(started.flatMap(([, runs]) => runs)).toHaveLength(3);
  });

  test('a run cannot end while a task instance is unfinished', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'running');
    const [, ended] = await database.batch([
      hold,
      finishDagRuns(TICK, NOW, [{ id: 'run_1', state: 'success', reason: null, pauseAfter: 0 }]),
    ]);
    expect(ended).toEqual([]);
  });

  test('a run of which a finish was refused is let go', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'success');
    const finish = finishTaskInstances([
      {
        taskInstanceId: 'instance_1',
        epoch: 1,
        from: 'running',
        state: 'failed',
        endedAt: NOW,
        retryAt: null,
        maxTries: 1,
        losses: 0,
        reschedules: 0,
        failure: null,
        decision: null,
        deferral: null,
        mapIndexLabel: null,
      },
    ]);
    const check = releaseRefusedDagRuns(TICK, [{ taskInstanceId: 'instance_1', epoch: 1, state: 'failed' }], 1);
    const [, , released, ended] = await database.batch([
      hold,
      finish,
      check,
      finishDagRuns(TICK, NOW, [{ id: 'run_1', state: 'failed', reason: null, pauseAfter: 0 }]),
    ]);
    expect(released).toEqual([{ id: 'run_1' }]);
    expect(ended).toEqual([]);
  });

  test.each([
    ['the same counts', {}, []],
    ['another loss', { losses: 1 }, [{ id: 'run_1' }]],
    ['another try', { maxTries: 3 }, [{ id: 'run_1' }]],
    ['another poke', { reschedules: 1 }, [{ id: 'run_1' }]],
    ['another time', { retryAt: NOW }, [{ id: 'run_1' }]],
  ])('a state that was left with %s by somebody else', async (_, differs, released) => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'up_for_retry', { max_tries: 2, losses: 0, reschedules: 0, retry_at: NOW + 1_000 });
    const expected = { taskInstanceId: 'instance_1', epoch: 1, state: 'up_for_retry', maxTries: 2, losses: 0, reschedules: 0 };
    const [, found] = await database.batch([hold, releaseRefusedDagRuns(TICK, [{ ...expected, retryAt: NOW + 1_000, ...differs }], 1)]);
    expect(found).toEqual(released);
  });
});

describeDatabases('terms', (open) => {
  test('rise, and end once', async () => {
    const database = await open();
    const [[first]] = await database.batch([startJob(OWNER, NOW)]);
    const [[second]] = await database.batch([startJob(OWNER, NOW)]);
    expect(second?.term).toBeGreaterThan(first?.term ?? 0);
    await database.batch([endJob(first?.term ?? 0)]);
    expect(await database.batch([heartbeatJob(first?.term ?? 0, 1_000)])).toEqual([[]]);
    expect(await database.batch([heartbeatJob(second?.term ?? 0, 1_000)])).toEqual([[{ term: second?.term }]]);
  });

  test('only those whose lease ran out are ended by others', async () => {
    const database = await open();
    const [[live]] = await database.batch([startJob(OWNER, NOW)]);
    const [[expired]] = await database.batch([startJob({ ...OWNER, leaseMs: -1_000 }, NOW)]);
    const [[own]] = await database.batch([startJob({ ...OWNER, leaseMs: -1_000 }, NOW)]);
    expect(await database.batch([endExpiredJobs('scheduler', own?.term ?? 0)])).toEqual([[{ term: expired?.term }]]);
    expect(await database.batch([endOtherJobs('scheduler', own?.term ?? 0)])).toEqual([[{ term: live?.term }]]);
  });

  test('runs of an ended term are adopted by one of two that race', async () => {
    const database = await open();
    const other = await open();
    await insertDag(database);
    const [[dead]] = await database.batch([startJob(OWNER, NOW)]);
    for (let index = 0; index < 10; index += 1) await insertDagRun(database, `run_${index}`, { scheduler_term: dead?.term ?? 0 });
    expect(await database.batch([adoptDagRuns(100, 50)])).toEqual([[]]);
    await database.batch([endJob(dead?.term ?? 0)]);
    const adopted = await Promise.all([database, other, database, other].map((one, index) => one.batch([adoptDagRuns(100 + index, 50)])));
    expect(adopted.flatMap(([runs]) => runs.map(({ id }) => id)).toSorted()).toEqual(
      Array.from({ length: 10 }, (_, index) => `run_${index}`),
    );
  });
});

describeDatabases('run requests', (open) => {
  const claim = (database: Database, term: number) =>
    database.batch([claimRunRequests(term, 100), createRequestedDagRuns(term, NOW), linkTriggeringEvents(term), releaseClaim(term)]);

  const addRequests = async (database: Database, requests: number): Promise<void> => {
    await insertDag(database);
    await database.batch([
      insert('asset', {
        name: 'orders',
        uri: 'orders',
        asset_group: 'asset',
        event_type: 'orders.completed',
        created_at: 0,
        updated_at: 0,
      }),
    ]);
    for (let index = 0; index < requests; index += 1) {
      const id = `request_${index}`;
      await database.batch([
        insert('asset_event', { event_key: id, asset_id: 1, extra: '{}', occurred_at: 0, source_map_index: -1 }),
        insert('run_request', { id, dag_id: 'dag_1', run_id: id, event_key: id, conf: '{}', state: 'pending', requested_at: 0 }),
      ]);
    }
  };

  const prepare = async (requests: number): Promise<Database> => {
    const database = await open();
    await addRequests(database, requests);
    return database;
  };

  test('become one run each, whoever claims them', async () => {
    const database = await prepare(20);
    const other = await open();
    const created = await Promise.all([database, other, database, other].map((one, index) => claim(one, index + 1)));
    expect(created.flatMap(([, runs]) => runs)).toHaveLength(20);
    expect((await claim(database, 9))[1]).toEqual([]);
    expect(await read(database, 'dag_run', 'state', 'request_7')).toBe('queued');
  });

  test('are taken as many as were asked for, also where the statement was planned for an empty table', async () => {
    const database = await open();
    await claim(database, 1);
    await addRequests(database, 250);
    const [claimed, created] = await claim(database, 1);
    expect(claimed).toHaveLength(100);
    expect(created).toHaveLength(100);
  });

  test('wait, in order, while their dag is paused', async () => {
    const database = await prepare(1);
    await database.batch([{ name: 'test_pause', text: () => 'update dag set is_paused = 1', values: [] }]);
    expect((await claim(database, 1))[0]).toEqual([]);
    await database.batch([{ name: 'test_resume', text: () => 'update dag set is_paused = 0', values: [] }]);
    expect((await claim(database, 1))[0]).toHaveLength(1);
  });
});

describeDatabases('scheduled runs', (open) => {
  const run: ScheduledDagRun = {
    id: 'run_1',
    dagId: 'dag_1',
    place: 1,
    runId: 'scheduled__1970',
    logicalAt: 500,
    intervalStartAt: 500,
    intervalEndAt: 500,
    runAfterAt: 500,
    dueAt: 500,
    nextRunAt: 900,
  };
  const createAt = (database: Database, wanted: ScheduledDagRun) =>
    database.batch([createScheduledDagRuns([wanted], NOW), advanceNextRuns([wanted])]);

  test('are created once for a slot by schedulers that race', async () => {
    const database = await open();
    const other = await open();
    await insertDag(database, { next_run_at: 500 });
    const created = await Promise.all(
      [database, other, database, other].map((one, index) => createAt(one, { ...run, id: `run_${index}` })),
    );
    expect(created.flatMap(([rows]) => rows)).toHaveLength(1);
    const [rows] = await database.batch([
      { name: 'test_next', text: () => 'select next_run_at as at from dag', values: [], row: { at: 0 } },
    ]);
    expect(rows).toEqual([{ at: 900 }]);
  });

  test('wait while the dag has as many runs as it may', async () => {
    const database = await open();
    await insertDag(database, { next_run_at: 500, max_active_runs: 1 });
    await insertDagRun(database, 'active');
    expect(await createAt(database, run)).toEqual([[], []]);
  });

  test('pass over a slot that somebody filled by hand', async () => {
    const database = await open();
    await insertDag(database, { next_run_at: 500 });
    await insertDagRun(database, 'by-hand', { state: 'success', logical_at: 500 });
    expect(await createAt(database, run)).toEqual([[], [{ dagId: 'dag_1' }]]);
  });
});

async function setRun(database: Database, assignment: string): Promise<void> {
  await database.batch([{ name: `test_set_${assignment}`.slice(0, 60), text: () => `update dag_run set ${assignment}`, values: [] }]);
}
