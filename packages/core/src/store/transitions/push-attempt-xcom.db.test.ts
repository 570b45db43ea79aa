import { expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { findLiveAttempt } from '../reads/attempts.ts';
import { listPulledXComs, type XComWish } from '../reads/pulled-xcoms.ts';
import { describeDatabases, describePostgres } from '../testing/describe-databases.ts';
import { change, insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { pushAttemptXCom } from './push-attempt-xcom.ts';

const attempt = { taskInstanceId: 'instance_1', epoch: 1 };
const push = (database: Database, key: string, value: unknown, of = attempt) =>
  pushAttemptXCom(database, of, { key, value: JSON.stringify(value) }, 5);

async function pull(database: Database, wish: Partial<XComWish> = {}, of = attempt): Promise<unknown[] | undefined> {
  const live = await findLiveAttempt(database, of);
  if (live === undefined) return undefined;
  const found = await listPulledXComs(database, live, { taskId: 'task_1', key: 'rows', ...wish });
  return found.map(({ mapIndex, value }) => [mapIndex, JSON.parse(value)] as const);
}

describeDatabases('pushAttemptXCom', (open) => {
  test('keeps the last value of a key, for everybody in the dag', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'running');
    await insertTaskInstance(database, 'running', { id: 'instance_2', task_id: 'task_2' });
    expect(await push(database, 'rows', 1)).toEqual({ outcome: 'pushed' });
    expect(await push(database, 'rows', 2)).toEqual({ outcome: 'pushed' });
    expect(await pull(database, {}, { taskInstanceId: 'instance_2', epoch: 1 })).toEqual([[-1, 2]]);
    expect(await pull(database, { key: 'other' })).toEqual([]);
  });

  test.each(['scheduled', 'success', 'failed', 'up_for_retry', 'deferred'] as const)('refuses an attempt that is %s', async (state) => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, state);
    expect(await push(database, 'rows', 1)).toEqual({ outcome: 'attempt_over' });
    expect(await findLiveAttempt(database, attempt)).toBeUndefined();
  });

  test('refuses an attempt that was replaced', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'running', { epoch: 2 });
    expect(await push(database, 'rows', 1)).toEqual({ outcome: 'attempt_over' });
  });

  test('a value ends with the try that pushed it', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    await insertTaskInstance(database, 'running');
    await push(database, 'rows', 1);
    await database.batch([change(`update task_instance set try_number = 2, epoch = 2`)]);
    expect(await pull(database, {}, { ...attempt, epoch: 2 })).toEqual([]);
  });

  test('gives the values of a mapped task in the order of its indexes, or the one of an index', async () => {
    const database = await open();
    await insertDag(database);
    await insertDagRun(database);
    for (const index of [2, 0, 1]) {
      await insertTaskInstance(database, 'running', { id: `mapped_${index}`, task_id: 'mapped', map_index: index });
      await push(database, 'rows', `row ${index}`, { taskInstanceId: `mapped_${index}`, epoch: 1 });
    }
    await insertTaskInstance(database, 'running');
    expect(await pull(database, { taskId: 'mapped' })).toEqual([
      [0, 'row 0'],
      [1, 'row 1'],
      [2, 'row 2'],
    ]);
    expect(await pull(database, { taskId: 'mapped', mapIndex: 1 })).toEqual([[1, 'row 1']]);
  });

  test('gives values of another run, and of the newest run up to the own one, of the own dag alone', async () => {
    const database = await open();
    await insertDag(database);
    for (const [id, logicalAt] of [
      ['run_0', 100],
      ['run_1', 200],
      ['run_2', 300],
    ] as const) {
      await insertDagRun(database, id, { logical_at: logicalAt });
      await insertTaskInstance(database, 'running', { id: `instance_${id}`, dag_run_id: id, run_id: id });
    }
    await push(database, 'rows', 'old', { taskInstanceId: 'instance_run_0', epoch: 1 });
    await push(database, 'rows', 'future', { taskInstanceId: 'instance_run_2', epoch: 1 });
    const own = { taskInstanceId: 'instance_run_1', epoch: 1 };
    expect(await pull(database, {}, own)).toEqual([]);
    expect(await pull(database, { runId: 'run_0' }, own)).toEqual([[-1, 'old']]);
    expect(await pull(database, { includePriorDates: true }, own)).toEqual([[-1, 'old']]);
    await database.batch([change(`update dag_run set dag_id = 'dag_2' where id = 'run_0'`)]);
    expect(await pull(database, { runId: 'run_0' }, own)).toEqual([]);
    expect(await pull(database, { includePriorDates: true }, own)).toEqual([]);
  });
});

describePostgres('two pushes of one key at once', (open) => {
  test('leave one of the two values', async () => {
    const [one, other] = await Promise.all([open(), open()]);
    await insertDag(one);
    await insertDagRun(one);
    await insertTaskInstance(one, 'running');
    await Promise.all([push(one, 'rows', 1), push(other, 'rows', 2)]);
    expect([[[-1, 1]], [[-1, 2]]]).toContainEqual(await pull(one));
  });
});
