import { expect, test } from 'vitest';
import { describeDatabases } from '../testing/describe-databases.ts';
import { change } from '../testing/transition-fixtures.ts';
import type { OrderBy, Page } from './query-parts.ts';
import { TASK_INSTANCE_ORDER, findTaskInstance, listTaskInstances, listTries, type TaskInstanceFilter } from './task-instances.ts';
import { insertExampleRows } from './testing/example-rows.ts';
import { RUN_IDS } from './testing/example-runs.ts';
import { EXAMPLE_NOW, HOUR, MINUTE } from './testing/example-time.ts';

const WHOLE: Page = { limit: 100, offset: 0 };
const FAILED = { dagId: 'orders', runId: 'manual__1' };
const NAMES_OF_ORDERS = Object.keys(TASK_INSTANCE_ORDER) as (keyof typeof TASK_INSTANCE_ORDER)[];

describeDatabases('task instances', (open) => {
  /** `dag/run/task` of each row, shortened to what tells them apart. */
  const namesOf = async (filter: Partial<TaskInstanceFilter>, orderBy: readonly OrderBy[] = []): Promise<readonly string[]> => {
    const database = await open();
    await insertExampleRows(database);
    const { rows, total } = await listTaskInstances(database, { readable: 'all', ...filter }, WHOLE, orderBy);
    expect(total).toBe(rows.length);
    return rows.map((row) => `${row.dagId}/${row.runId.slice(0, 9)}/${row.taskId}`);
  };

  const cases: readonly (readonly [rule: string, filter: Partial<TaskInstanceFilter>, expected: readonly string[]])[] = [
    ['shows a run', FAILED, ['orders/manual__1/extract', 'orders/manual__1/total', 'orders/manual__1/load']],
    ['shows a run id of every dag', { runId: 'manual__1', taskId: 'extract' }, ['orders/manual__1/extract', 'nightly/manual__1/extract']],
    ['shows only dags that the caller may read', { readable: ['nightly'] }, ['nightly/manual__1/extract']],
    ['shows nothing to somebody who may read nothing', { readable: [] }, []],
    ['finds tasks by a pattern', { taskIdPattern: 'OTA', runId: 'manual__1' }, ['orders/manual__1/total']],
    ['finds tasks by a prefix', { taskIdPrefixPattern: 'bui' }, ['profiles/asset_tri/build']],
    ['finds dags by a pattern', { dagIdPattern: 'prof' }, ['profiles/asset_tri/build']],
    ['finds runs by a prefix', { runIdPrefixPattern: 'scheduled' }, ['orders/scheduled/extract']],
    ['shows some states', { states: ['failed', 'running'] }, ['orders/manual__1/total', 'orders/manual__2/extract']],
    ['shows those about which nothing is decided', { states: ['none'] }, ['orders/manual__2/total']],
    ['finds an operator', { operators: ['bash'] }, ['nightly/manual__1/extract']],
    ['finds an operator by a pattern', { operatorPattern: 'BAS' }, ['nightly/manual__1/extract']],
    ['finds a try number', { tryNumbers: [2] }, ['orders/manual__1/total']],
    ['finds a map index, of which there is none', { mapIndexes: [0] }, []],
    ['finds an executor', { executors: ['local'], runId: 'manual__2' }, ['orders/manual__2/extract']],
    ['finds a version of the dag', { dagVersionNumbers: [1], dagId: 'orders' }, ['orders/scheduled/extract']],
    ['finds starts', { startDate: { gte: EXAMPLE_NOW - 5 * MINUTE } }, ['orders/manual__2/extract']],
    ['finds when runs were due', { runAfter: { lte: EXAMPLE_NOW - 4 * HOUR } }, ['nightly/manual__1/extract']],
    ['finds durations in seconds', { duration: { gte: 3 } }, ['nightly/manual__1/extract']],
  ];

  test.each(cases)('%s', async (_rule, filter, expected) => {
    expect(await namesOf(filter)).toEqual(expected);
  });

  test.each(NAMES_OF_ORDERS)('orders by %s', async (attribute) => {
    expect(await namesOf({}, [{ attribute, descending: true }])).toHaveLength(9);
  });

  test('finds a task instance with its failure and its run', async () => {
    const database = await open();
    await insertExampleRows(database);
    expect(await findTaskInstance(database, { ...FAILED, taskId: 'total', mapIndex: -1 })).toMatchObject({
      id: RUN_IDS.failedTask,
      state: 'failed',
      failure: { kind: 'error', message: 'the disk of the source is full' },
      dagDisplayName: 'Orders',
      dagVersion: { versionNumber: 2 },
    });
    expect(await findTaskInstance(database, { ...FAILED, taskId: 'total', mapIndex: 0 })).toBeUndefined();
  });

  test('lists the tries, oldest first, the last one as the task instance stands', async () => {
    const database = await open();
    await insertExampleRows(database);
    const instance = await findTaskInstance(database, { ...FAILED, taskId: 'total', mapIndex: -1 });
    expect(instance && (await listTries(database, instance))).toMatchObject([
      { tryNumber: 1, state: 'up_for_retry', failure: { message: 'the first try failed, too' } },
      { tryNumber: 2, state: 'failed', failure: { message: 'the disk of the source is full' } },
    ]);
  });

  test('lists what the history has of a task instance that was cleared', async () => {
    const database = await open();
    await insertExampleRows(database);
    await database.batch([change(`update task_instance set state = 'none', scheduled_at = null where id = '${RUN_IDS.failedTask}'`)]);
    const instance = await findTaskInstance(database, { ...FAILED, taskId: 'total', mapIndex: -1 });
    expect(instance && (await listTries(database, instance))).toMatchObject([{ tryNumber: 1, state: 'up_for_retry' }]);
  });
});
