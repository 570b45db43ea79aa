import type { SerializedTask, TaskInstanceState } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import type { ClearOptions } from '../model/clear.ts';
import { systemRandom } from '../platform/random.ts';
import { carryOutClear, clearDagRuns, planDagRunClear, type DagRunClear } from './clear-dag-runs.ts';
import type { Database } from './database.ts';
import { describeDatabases } from './testing/describe-databases.ts';
import { serializedTask } from './testing/serialized-dag.ts';
import { storeDag, storeRun } from './testing/stored-run.ts';

const NOW = 5_000;
const DAY = 86_400_000;
const random = systemRandom(() => NOW);
const context = (database: Database) => ({ database, now: NOW, newId: () => random.uuid() });

function marker(taskId: string, dagId: string, task: string, more: { upstream?: string[]; recursionDepth?: number } = {}): SerializedTask {
  const fields = { dagId, taskId: task, recursionDepth: more.recursionDepth ?? 10 };
  return serializedTask(taskId, { operator: 'external_task_marker', upstream: more.upstream ?? ['load'], fields });
}

interface DagToStore {
  readonly tasks: readonly SerializedTask[];
  readonly states?: Readonly<Record<string, TaskInstanceState>>;
  readonly logicalAt?: number | null;
}

/** Stores each dag with one run that is over, named `<dag>-run`. */
async function storeDags(database: Database, dags: Readonly<Record<string, DagToStore>>): Promise<void> {
  for (const [dagId, { tasks, states = {}, logicalAt = DAY }] of Object.entries(dags)) {
    const dagVersionId = await storeDag(database, tasks, 'one', dagId);
    const instances = Object.fromEntries(tasks.map(({ taskId }) => [taskId, states[taskId] ?? ('success' as const)]));
    await storeRun(database, { id: `${dagId}-run`, dagId, dagVersionId, state: 'success', instances, changes: { logical_at: logicalAt } });
  }
}

function clearOf(options: Partial<ClearOptions> = {}): DagRunClear {
  const nothing = { upstream: false, downstream: false, onlyFailed: false, onlyRunning: false };
  return { selection: { dagId: 'orders', runId: 'orders-run' }, options: { ...nothing, ...options } };
}

async function statesOf(database: Database): Promise<Readonly<Record<string, string>>> {
  const rows = await database.reads.selectFrom('taskInstance').select(['dagId', 'taskId', 'state']).orderBy('id').execute();
  return Object.fromEntries(rows.map(({ dagId, taskId, state }) => [`${dagId}.${taskId}`, state]));
}

const LOAD = serializedTask('load');
const ORDERS = [LOAD, marker('feeds', 'report', 'wait')];
const REPORT = [
  serializedTask('before'),
  serializedTask('wait', { upstream: ['before'] }),
  serializedTask('write', { upstream: ['wait'] }),
];

describeDatabases('a clear with markers', (open) => {
  test('clears what a marker stands for, and what is below it, in the run of the same logical date', async () => {
    const database = await open();
    await storeDags(database, { orders: { tasks: ORDERS }, report: { tasks: REPORT } });
    const instances = { wait: 'success', write: 'success' } as const;
    const [report] = await database.reads.selectFrom('dag').select('dagVersionId').where('dagId', '=', 'report').execute();
    await storeRun(database, {
      id: 'other-date',
      dagId: 'report',
      dagVersionId: report?.dagVersionId ?? '',
      state: 'success',
      instances,
      changes: { logical_at: 2 * DAY },
    });
    const operated = await clearDagRuns(context(database), clearOf({ tasks: [{ taskId: 'load' }], downstream: true }));
    expect(operated.map(({ run, change }) => [run.runId, change.instances.map(({ instance }) => instance.taskId)])).toEqual([
      ['orders-run', ['feeds', 'load']],
      ['report-run', ['wait', 'write']],
    ]);
    const runs = await database.reads.selectFrom('dagRun').select(['id', 'state']).orderBy('id').execute();
    expect(runs).toEqual([
      { id: 'orders-run', state: 'queued' },
      { id: 'other-date', state: 'success' },
      { id: 'report-run', state: 'queued' },
    ]);
    const cleared = await database.reads.selectFrom('taskInstance').select('id').where('state', '=', 'none').orderBy('id').execute();
    expect(cleared.map(({ id }) => id)).toEqual(['orders-run.feeds', 'orders-run.load', 'report-run.wait', 'report-run.write']);
  });

  test('says in a plan what it would do, and writes nothing', async () => {
    const database = await open();
    await storeDags(database, { orders: { tasks: ORDERS }, report: { tasks: REPORT } });
    const before = await statesOf(database);
    const { operated } = await planDagRunClear(context(database), clearOf());
    expect(operated.map(({ run }) => run.runId)).toEqual(['orders-run', 'report-run']);
    expect(await statesOf(database)).toEqual(before);
  });

  test('does not follow a marker that is not cleared, that has no logical date, or whose task has no run', async () => {
    const database = await open();
    await storeDags(database, { orders: { tasks: ORDERS }, report: { tasks: REPORT } });
    const reached = async (clear: DagRunClear): Promise<readonly string[]> =>
      (await planDagRunClear(context(database), clear)).operated.map(({ run }) => run.runId);
    expect(await reached(clearOf({ tasks: [{ taskId: 'load' }] }))).toEqual(['orders-run']);
    expect(await reached(clearOf({ onlyFailed: true }))).toEqual(['orders-run']);
    await database.batch([{ name: 'test_undate', text: () => `update dag_run set logical_at = null where id = 'orders-run'`, values: [] }]);
    expect(await reached(clearOf())).toEqual(['orders-run']);
  });

  test('of what failed takes of the other run only what failed', async () => {
    const database = await open();
    await storeDags(database, {
      orders: { tasks: ORDERS, states: { load: 'failed', feeds: 'upstream_failed' } },
      report: { tasks: REPORT, states: { write: 'failed' } },
    });
    await clearDagRuns(context(database), clearOf({ onlyFailed: true }));
    expect(await statesOf(database)).toMatchObject({ 'orders.feeds': 'none', 'report.wait': 'success', 'report.write': 'none' });
  });

  test('done again after it failed half way does the rest', async () => {
    const database = await open();
    await storeDags(database, { orders: { tasks: ORDERS }, report: { tasks: REPORT } });
    const { operated, operations } = await planDagRunClear(context(database), clearOf());
    await carryOutClear(context(database), { operated, operations: operations.slice(0, 1) });
    expect(await statesOf(database)).toMatchObject({ 'orders.feeds': 'none', 'report.wait': 'success' });
    await clearDagRuns(context(database), clearOf());
    expect(await statesOf(database)).toMatchObject({ 'report.before': 'success', 'report.wait': 'none', 'report.write': 'none' });
  });

  test('goes round a circle once, and takes a run that several markers lead to once with all that they stand for', async () => {
    const database = await open();
    await storeDags(database, {
      orders: { tasks: [serializedTask('start'), LOAD, marker('feeds', 'report', 'wait'), marker('feeds_too', 'report', 'aside')] },
      report: { tasks: [...REPORT, serializedTask('aside'), marker('back', 'orders', 'start', { upstream: ['write'] })] },
    });
    const operated = await clearDagRuns(context(database), clearOf({ tasks: [{ taskId: 'load' }], downstream: true }));
    expect(operated.map(({ run }) => run.runId)).toEqual(['orders-run', 'report-run']);
    expect(await statesOf(database)).toEqual({
      'orders.start': 'none',
      'orders.load': 'none',
      'orders.feeds': 'none',
      'orders.feeds_too': 'none',
      'report.before': 'success',
      'report.wait': 'none',
      'report.write': 'none',
      'report.aside': 'none',
      'report.back': 'none',
    });
  });

  test('that follows more markers than the first of them allows is refused with their names, and changes nothing', async () => {
    const database = await open();
    const chain = (next: string, recursionDepth: number) => [LOAD, marker('feeds', next, 'load', { recursionDepth })];
    await storeDags(database, {
      orders: { tasks: chain('second', 2) },
      second: { tasks: chain('third', 10) },
      third: { tasks: chain('fourth', 10) },
      fourth: { tasks: [LOAD] },
    });
    const before = await statesOf(database);
    await expect(clearDagRuns(context(database), clearOf())).rejects.toMatchObject({
      code: 'bad_request',
      message:
        "Nothing is cleared, because more than 2 markers follow each other: 'feeds' of dag 'orders', 'feeds' of dag 'second', 'feeds' of dag 'third'. " +
        "Clear fewer tasks, or raise recursionDepth of 'feeds' of dag 'orders'.",
    });
    expect(await statesOf(database)).toEqual(before);
    await storeDag(database, chain('second', 3), 'two');
    expect(await clearDagRuns(context(database), { ...clearOf(), onLatestVersion: true })).toHaveLength(4);
  });

  test('asks before it follows the markers of a run', async () => {
    const database = await open();
    await storeDags(database, { orders: { tasks: ORDERS }, report: { tasks: REPORT } });
    const refusing: DagRunClear = {
      ...clearOf(),
      inspect(_change, _run, { dagId }) {
        if (dagId === 'report') throw new Error('not there');
      },
    };
    await expect(clearDagRuns(context(database), refusing)).rejects.toThrow('not there');
    expect(await statesOf(database)).toMatchObject({ 'orders.load': 'success' });
  });
});
