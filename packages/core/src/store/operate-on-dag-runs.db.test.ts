import { expect, test } from 'vitest';
import { planClear, type ClearOptions } from '../model/clear.ts';
import { planDagRunMark, planMark, type MarkOptions } from '../model/mark.ts';
import { systemRandom } from '../platform/random.ts';
import type { Database } from './database.ts';
import type { RunSelection } from './found-dag-runs.ts';
import { operateOnDagRuns, type OperatedRun, type RunOperation } from './operate-on-dag-runs.ts';
import { releaseMarkedDagRuns } from './transitions/mark-dag-run.ts';
import { describeDatabases } from './testing/describe-databases.ts';
import { beforeEveryBatch, beforeSecondBatch } from './testing/interfering-database.ts';
import { serializedTask } from './testing/serialized-dag.ts';
import { storeDag, storeRun } from './testing/stored-run.ts';
import { change, insert } from './testing/transition-fixtures.ts';

const NOW = 5_000;
const random = systemRandom(() => NOW);
const LINE = [
  serializedTask('a', { retries: 1 }),
  serializedTask('b', { upstream: ['a'], retries: 1 }),
  serializedTask('c', { upstream: ['b'] }),
];

function operate(database: Database, selection: Partial<RunSelection>, operation: Omit<RunOperation, 'selection'>) {
  const context = { database, now: NOW, newId: () => random.uuid() };
  return operateOnDagRuns(context, { ...operation, selection: { dagId: 'orders', ...selection } });
}

function clear(
  database: Database,
  options: Partial<ClearOptions & RunSelection & Pick<RunOperation, 'onLatestVersion' | 'note' | 'runNote' | 'isDryRun'>> = {},
): Promise<readonly OperatedRun[]> {
  const { runId = 'run', past, future, startAt, endAt, onLatestVersion, note, runNote, isDryRun, ...wanted } = options;
  const selection = startAt === undefined && endAt === undefined ? { runId, past, future } : { startAt, endAt };
  const nothing = { upstream: false, downstream: false, onlyFailed: false, onlyRunning: false };
  return operate(database, selection, {
    decide: (run) => planClear(run, { ...nothing, ...wanted }),
    onLatestVersion,
    note,
    runNote,
    isDryRun,
  });
}

function mark(database: Database, taskId: string, options: Partial<MarkOptions> = {}): Promise<readonly OperatedRun[]> {
  const wanted: MarkOptions = { tasks: [{ taskId }], state: 'success', upstream: false, downstream: false, ...options };
  return operate(database, { runId: 'run' }, { decide: (run) => planMark(run, wanted) });
}

function markRun(database: Database, state: 'success' | 'failed'): Promise<readonly OperatedRun[]> {
  return operate(database, { runId: 'run' }, { decide: (run) => planDagRunMark(run, state) });
}

/** State and epoch of each task instance of a run. */
async function instancesOf(database: Database, runId = 'run'): Promise<Readonly<Record<string, string>>> {
  const rows = await database.reads
    .selectFrom('taskInstance')
    .select(['taskId', 'mapIndex', 'state', 'epoch'])
    .where('runId', '=', runId)
    .execute();
  return Object.fromEntries(
    rows.map(({ taskId, mapIndex, state, epoch }) => [mapIndex === -1 ? taskId : `${taskId}[${mapIndex}]`, `${state} ${epoch}`]),
  );
}

function readRun(database: Database, id = 'run') {
  return database.reads.selectFrom('dagRun').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

/** A run of the line that has failed at its second task. */
async function storeFailedLine(database: Database): Promise<void> {
  const dagVersionId = await storeDag(database, LINE);
  await storeRun(database, { id: 'run', dagVersionId, state: 'failed', instances: { a: 'success', b: 'failed', c: 'upstream_failed' } });
}

describeDatabases('a clear', (open) => {
  test('makes of a run that had ended one that waits, with a history and without values', async () => {
    const database = await open();
    await storeFailedLine(database);
    const [done] = await clear(database, { tasks: [{ taskId: 'b' }], downstream: true, note: 'again', runNote: 'see ticket 7' });
    expect(done?.change.instances.map(({ instance }) => instance.taskId)).toEqual(['b', 'c']);
    expect(await instancesOf(database)).toEqual({ a: 'success 1', b: 'none 2', c: 'none 2' });
    expect(await readRun(database)).toMatchObject({
      state: 'queued',
      clearNumber: 1,
      queuedAt: NOW,
      startedAt: null,
      endedAt: null,
      revision: 1,
      schedulerTerm: null,
      note: 'see ticket 7',
    });
    const b = await database.reads.selectFrom('taskInstance').selectAll().where('id', '=', 'run.b').executeTakeFirstOrThrow();
    expect(b).toMatchObject({ tryNumber: 1, maxTries: 3, startedAt: null, note: 'again' });
    expect(await database.reads.selectFrom('xcom').select('taskId').execute()).toEqual([{ taskId: 'a' }]);
  });

  test('run twice changes nothing more', async () => {
    const database = await open();
    await storeRun(database, {
      id: 'run',
      dagVersionId: await storeDag(database, LINE),
      state: 'failed',
      instances: { a: 'success', b: 'failed' },
    });
    await clear(database);
    const [again] = await clear(database);
    expect(again?.change.instances).toEqual([]);
    expect(await readRun(database)).toMatchObject({ clearNumber: 1, revision: 1 });
  });

  test('of a running task instance stops it first, under its own epoch', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), instances: { a: 'running', b: 'none' } });
    await clear(database);
    expect(await instancesOf(database)).toEqual({ a: 'restarting 1', b: 'none 0' });
    expect(await readRun(database)).toMatchObject({ state: 'running', revision: 1, clearNumber: 0, queuedAt: NOW, schedulerTerm: 1 });
    expect(await database.reads.selectFrom('taskInstanceHistory').selectAll().execute()).toEqual([]);
  });

  test.each(['scheduled', 'queued', 'deferred', 'up_for_reschedule'] as const)(
    'keeps the try of a %s task instance in its history',
    async (state) => {
      const database = await open();
      await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), instances: { a: state } });
      await clear(database);
      expect(await instancesOf(database)).toEqual({ a: 'none 2' });
      const [given] = await database.reads.selectFrom('taskInstanceHistory').selectAll().execute();
      expect(given).toMatchObject({ taskInstanceId: 'run.a', epoch: 1, tryNumber: 1, state: 'failed', endedAt: NOW });
      expect(given?.failure).toContain('was cleared before this try had ended');
    },
  );

  test('copies tries that have ended into the history as they did, and what was cleared before only once', async () => {
    const database = await open();
    await storeFailedLine(database);
    await database.batch([change(`update task_instance set ended_at = 700, failure = '{}' where state = 'failed'`)]);
    await clear(database);
    await database.batch([change(`update task_instance set state = 'upstream_failed' where id = 'run.b'`)]);
    await clear(database);
    const tries = await database.reads.selectFrom('taskInstanceHistory').selectAll().orderBy('taskInstanceId').execute();
    expect(tries).toMatchObject([
      { taskInstanceId: 'run.a', epoch: 1, tryNumber: 1, state: 'success', endedAt: null, failure: null },
      { taskInstanceId: 'run.b', epoch: 1, tryNumber: 1, state: 'failed', endedAt: 700, failure: '{}' },
    ]);
  });

  test('takes off what belongs to the tries until now', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), instances: { a: 'deferred' } });
    await database.batch([
      change(
        `update task_instance set decision = '{}', deferral = '{}', resumption = '{}', first_started_at = 1, reschedules = 4, losses = 2, map_index_label = 'x'`,
      ),
    ]);
    await clear(database);
    expect(await database.reads.selectFrom('taskInstance').selectAll().executeTakeFirst()).toMatchObject({
      decision: null,
      deferral: null,
      resumption: null,
      firstStartedAt: null,
      reschedules: 0,
      losses: 0,
      mapIndexLabel: null,
    });
  });

  test('forgets how long a mapped task was whose list is made again', async () => {
    const database = await open();
    const expand = { kind: 'product', over: [{ name: 'x', source: { kind: 'xcom', taskId: 'a' } }] } as const;
    const dagVersionId = await storeDag(database, [serializedTask('a'), serializedTask('m', { upstream: ['a'], expand })]);
    await storeRun(database, { id: 'run', dagVersionId, instances: { a: 'success', 'm[0]': 'success' } });
    await storeRun(database, { id: 'other', dagVersionId, instances: { a: 'success', 'm[0]': 'success' } });
    for (const id of ['run', 'other']) await database.batch([insert('mapped_scope', { dag_run_id: id, scope_id: 'm', length: 1 })]);
    await clear(database, { tasks: [{ taskId: 'a' }] });
    expect(await database.reads.selectFrom('mappedScope').select('dagRunId').execute()).toEqual([{ dagRunId: 'other' }]);
    expect(await instancesOf(database)).toEqual({ a: 'none 2', 'm[0]': 'success 1' });
  });

  test('as a dry run says what it would do and does nothing', async () => {
    const database = await open();
    await storeRun(database, {
      id: 'run',
      dagVersionId: await storeDag(database, LINE),
      state: 'failed',
      instances: { a: 'success', b: 'failed' },
    });
    const [plan] = await clear(database, { isDryRun: true, onlyFailed: true, note: 'no' });
    expect(plan?.change.instances.map(({ instance }) => instance.taskId)).toEqual(['b']);
    expect(await instancesOf(database)).toEqual({ a: 'success 1', b: 'failed 1' });
    expect(await readRun(database)).toMatchObject({ state: 'failed', revision: 0 });
  });

  test('goes into the past and the future in the order in which the runs were due', async () => {
    const database = await open();
    const dagVersionId = await storeDag(database, LINE);
    for (const [id, at] of [
      ['first', 10],
      ['run', 20],
      ['same', 20],
      ['last', 30],
    ] as const) {
      await storeRun(database, { id, dagVersionId, state: 'success', instances: { a: 'success' }, changes: { run_after_at: at } });
    }
    const cleared = async (options: Parameters<typeof clear>[1]): Promise<readonly string[]> =>
      (await clear(database, { ...options, isDryRun: true })).map(({ run }) => run.runId);
    expect(await cleared({ past: true })).toEqual(['first', 'run']);
    expect(await cleared({ future: true })).toEqual(['run', 'same', 'last']);
    expect(await cleared({ past: true, future: true })).toEqual(['first', 'run', 'same', 'last']);
    expect(await cleared({ startAt: 15, endAt: 20 })).toEqual(['run', 'same']);
    expect(await cleared({ runId: 'unknown', past: true })).toEqual([]);
  });

  test('stays on the version of the run, or goes on with the latest', async () => {
    const database = await open();
    const old = await storeDag(database, LINE);
    await storeRun(database, { id: 'run', dagVersionId: old, state: 'failed', instances: { a: 'failed' } });
    const latest = await storeDag(database, [serializedTask('a', { retries: 4 }), serializedTask('z')], 'two');
    expect(latest).not.toBe(old);
    await clear(database);
    expect(await readRun(database)).toMatchObject({ dagVersionId: old, bundleVersion: 'one' });
    await database.batch([change(`update task_instance set state = 'failed'`), change(`update dag_run set state = 'failed'`)]);
    await clear(database, { onLatestVersion: true });
    expect(await readRun(database)).toMatchObject({ dagVersionId: latest, bundleVersion: 'two', state: 'queued' });
    expect(await database.reads.selectFrom('taskInstance').select('maxTries').executeTakeFirst()).toEqual({ maxTries: 6 });
  });

  test('looks again where the run was changed between the look and the change', async () => {
    const database = await open();
    await storeRun(database, {
      id: 'run',
      dagVersionId: await storeDag(database, LINE),
      state: 'failed',
      instances: { a: 'failed', b: 'failed' },
    });
    const racing = beforeSecondBatch(database, async () => {
      await mark(database, 'a');
    });
    await clear(racing, { onlyFailed: true });
    // The mark made of `a` a success and cleared `b` itself.
    expect(await instancesOf(database)).toEqual({ a: 'success 2', b: 'none 2' });
    expect(await readRun(database)).toMatchObject({ state: 'queued', clearNumber: 1 });
  });

  test('clears what ended by itself meanwhile, and nothing that ran again since', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), instances: { a: 'success', b: 'running' } });
    let batches = 0;
    const busy = beforeEveryBatch(database, async () => {
      batches += 1;
      // Read, read the graph, write: just before the write `b` ends; before the second look `a` has run again.
      if (batches === 4) await database.batch([change(`update task_instance set state = 'success' where task_id = 'b'`)]);
      if (batches === 5) await database.batch([change(`update task_instance set state = 'success', epoch = 9 where task_id = 'a'`)]);
    });
    const [done] = await clear(busy);
    expect(await instancesOf(database)).toEqual({ a: 'success 9', b: 'none 2' });
    expect(done?.change.instances.map(({ instance }) => instance.taskId)).toEqual(['a', 'b']);
  });

  test('is a conflict where the run never rests', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), state: 'failed', instances: { a: 'failed' } });
    const restless = beforeEveryBatch(database, async () => {
      await database.batch([change(`update dag_run set revision = revision + 1`)]);
    });
    await expect(clear(restless)).rejects.toMatchObject({ code: 'conflict' });
    expect(await instancesOf(database)).toEqual({ a: 'failed 1' });
    expect(await database.reads.selectFrom('xcom').select('taskId').execute()).toHaveLength(1);
  });

  test('of two at once happens once', async () => {
    const [one, two] = [await open(), await open()];
    await storeRun(one, { id: 'run', dagVersionId: await storeDag(one, LINE), state: 'failed', instances: { a: 'failed', b: 'failed' } });
    await Promise.all([clear(one), clear(two), clear(one), clear(two)]);
    expect(await instancesOf(one)).toEqual({ a: 'none 2', b: 'none 2' });
    expect(await readRun(one)).toMatchObject({ state: 'queued', clearNumber: 1, revision: 1 });
  });
});

describeDatabases('a mark', (open) => {
  test('fences the attempt, clears what waits on a failure, and lets the run run again', async () => {
    const database = await open();
    await storeFailedLine(database);
    await mark(database, 'b');
    expect(await instancesOf(database)).toEqual({ a: 'success 1', b: 'success 2', c: 'none 2' });
    expect(await readRun(database)).toMatchObject({ state: 'queued', clearNumber: 1 });
  });

  test('ends a try that runs, with the state that it was given', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), instances: { a: 'running', b: 'none' } });
    await mark(database, 'a', { state: 'failed' });
    expect(await instancesOf(database)).toEqual({ a: 'failed 2', b: 'none 0' });
    const a = await database.reads.selectFrom('taskInstance').selectAll().where('id', '=', 'run.a').executeTakeFirst();
    expect(a).toMatchObject({ endedAt: NOW, failure: expect.stringContaining('marked') as unknown });
    expect(await database.reads.selectFrom('taskInstanceHistory').selectAll().execute()).toEqual([]);
    expect(await readRun(database)).toMatchObject({ state: 'running', revision: 1 });
  });

  test('looks again where something below was decided meanwhile', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), instances: { a: 'failed', b: 'none' } });
    let batches = 0;
    const racing = beforeEveryBatch(database, async () => {
      batches += 1;
      if (batches === 4) await database.batch([change(`update task_instance set state = 'upstream_failed' where task_id = 'b'`)]);
    });
    await mark(racing, 'a');
    expect(await instancesOf(database)).toEqual({ a: 'success 2', b: 'none 1' });
  });

  test('changes the verdict on a run that had ended', async () => {
    const database = await open();
    await storeRun(database, {
      id: 'run',
      dagVersionId: await storeDag(database, LINE),
      state: 'failed',
      instances: { a: 'success', b: 'success', c: 'failed' },
    });
    await mark(database, 'c');
    expect(await readRun(database)).toMatchObject({ state: 'success', endReason: 'marked', endedAt: 1_000, clearNumber: 0 });
  });

  test('of a run as a success ends all of it', async () => {
    const database = await open();
    await storeRun(database, {
      id: 'run',
      dagVersionId: await storeDag(database, LINE),
      instances: { a: 'running', b: 'none', c: 'none' },
    });
    await markRun(database, 'success');
    expect(await instancesOf(database)).toEqual({ a: 'success 2', b: 'success 1', c: 'success 1' });
    expect(await readRun(database)).toMatchObject({ state: 'success', endReason: 'marked', endedAt: NOW });
  });

  test('of a run is told to the scheduler that held it, once', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), instances: { a: 'running' } });
    await markRun(database, 'success');
    expect(await database.batch([releaseMarkedDagRuns(2)])).toEqual([[]]);
    expect(await database.batch([releaseMarkedDagRuns(1)])).toEqual([[{ id: 'run' }]]);
    expect(await database.batch([releaseMarkedDagRuns(1)])).toEqual([[]]);
  });

  test('of a run as failed fails what works and skips what waits', async () => {
    const database = await open();
    await storeRun(database, {
      id: 'run',
      dagVersionId: await storeDag(database, LINE),
      instances: { a: 'running', b: 'none', c: 'none' },
    });
    await markRun(database, 'failed');
    expect(await instancesOf(database)).toEqual({ a: 'failed 2', b: 'skipped 1', c: 'skipped 1' });
    expect(await readRun(database)).toMatchObject({ state: 'failed', endedAt: NOW });
  });

  test('of a run leaves teardowns to the scheduler, with the verdict; a clear takes it back', async () => {
    const database = await open();
    const drop = serializedTask('drop', { upstream: ['a'], role: 'teardown', triggerRule: 'all_done_setup_success' });
    await storeRun(database, {
      id: 'run',
      dagVersionId: await storeDag(database, [serializedTask('a'), drop]),
      instances: { a: 'running', drop: 'none' },
    });
    await markRun(database, 'failed');
    expect(await instancesOf(database)).toEqual({ a: 'failed 2', drop: 'none 0' });
    expect(await readRun(database)).toMatchObject({ state: 'running', markedState: 'failed', revision: 1, schedulerTerm: 1 });
    await clear(database);
    expect(await readRun(database)).toMatchObject({ state: 'running', markedState: null });
  });

  test('of a run that has not started ends it', async () => {
    const database = await open();
    await storeRun(database, { id: 'run', dagVersionId: await storeDag(database, LINE), state: 'queued', instances: {} });
    await markRun(database, 'failed');
    expect(await readRun(database)).toMatchObject({ state: 'failed', startedAt: null, endedAt: NOW });
  });
});
