import { expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { findXCom } from '../reads/xcoms.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { pushXComs } from './push-xcoms.ts';
import { updateXCom } from './set-xcom.ts';

const reference = { store: 'file', key: 'run_1/a.json', bytes: 7, sha256: 'a' };
const offloaded = { value: 'null', offloaded: JSON.stringify(reference) };
const attempt = { taskInstanceId: 'instance_1', epoch: 1 };
const name = { dagId: 'dag_1', runId: 'run_1', taskId: 'task_1', mapIndex: -1 };

async function openWithSuccess(open: () => Promise<Database>): Promise<Database> {
  const database = await open();
  await insertDag(database);
  await insertDagRun(database);
  await insertTaskInstance(database, 'success');
  return database;
}

describeDatabases('pushXComs', (open) => {
  test('keeps where a large value lies', async () => {
    const database = await openWithSuccess(open);
    await database.batch([pushXComs(1, [{ ...attempt, ...offloaded }])]);
    expect(await findXCom(database, name, 'return_value')).toMatchObject({ value: null, offloaded: reference });
  });

  test('a value of a later try replaces the reference of an earlier one', async () => {
    const database = await openWithSuccess(open);
    await database.batch([pushXComs(1, [{ ...attempt, ...offloaded }])]);
    await database.batch([pushXComs(2, [{ ...attempt, value: '[2]' }])]);
    expect(await findXCom(database, name, 'return_value')).toMatchObject({ value: [2], offloaded: undefined });
  });

  test('a value that somebody sets by hand replaces the reference, null included', async () => {
    const database = await openWithSuccess(open);
    await database.batch([pushXComs(1, [{ ...attempt, ...offloaded }])]);
    await updateXCom(database, { taskInstanceId: 'instance_1', key: 'return_value', value: 'null' }, 2);
    expect(await findXCom(database, name, 'return_value')).toMatchObject({ value: null, offloaded: undefined });
  });

  test('keeps nothing of an attempt that was refused', async () => {
    const database = await openWithSuccess(open);
    await database.batch([pushXComs(1, [{ ...attempt, ...offloaded, epoch: 2 }])]);
    expect(await findXCom(database, name, 'return_value')).toBeUndefined();
  });
});
