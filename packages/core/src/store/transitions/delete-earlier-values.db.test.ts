import { expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insert, insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { deferTaskInstances } from './defer-task-instances.ts';
import { deleteEarlierValues } from './delete-earlier-values.ts';
import { holdDagRuns } from './hold-dag-runs.ts';
import { scheduleTaskInstances } from './schedule-task-instances.ts';

const TICK = 'tick';
const NOW = 5_000;
const retry = { id: 'instance_1', epoch: 1 };
const schedule = scheduleTaskInstances(TICK, NOW, [{ ...retry, raisesTry: 1, resumption: null }]);

/** A task instance whose first try has left two values, and one beside it that has left one. */
async function prepare(database: Database, state: 'up_for_retry' | 'running' = 'up_for_retry'): Promise<void> {
  await insertDag(database);
  await insertDagRun(database);
  await insertTaskInstance(database, state);
  await insertTaskInstance(database, 'success', { id: 'instance_2', map_index: 0 });
  const xcom = { dag_run_id: 'run_1', task_id: 'task_1', value: '1', created_at: 0 };
  await database.batch([
    insert('xcom', { ...xcom, map_index: -1, key: 'return_value' }),
    insert('xcom', { ...xcom, map_index: -1, key: 'rows' }),
    insert('xcom', { ...xcom, map_index: 0, key: 'rows' }),
  ]);
}

async function left(database: Database): Promise<readonly string[]> {
  const rows = await database.reads.selectFrom('xcom').select(['mapIndex', 'key']).orderBy('mapIndex').orderBy('key').execute();
  return rows.map(({ mapIndex, key }) => `${mapIndex} ${key}`);
}

describeDatabases('deleteEarlierValues', (open) => {
  test.each([
    ['is scheduled', schedule],
    ['begins with a wait', deferTaskInstances(TICK, NOW, [{ ...retry, deferral: '{}' }])],
  ])('removes everything that a task instance left whose new try %s', async (_how, begin) => {
    const database = await open();
    await prepare(database);
    await database.batch([holdDagRuns(TICK, 1, NOW, [{ id: 'run_1', revision: 0 }]), begin, deleteEarlierValues(TICK, [retry])]);
    expect(await left(database)).toEqual(['0 rows']);
    await database.batch([holdDagRuns(TICK, 1, NOW, [{ id: 'run_1', revision: 0 }]), deleteEarlierValues(TICK, [retry])]);
    expect(await left(database)).toEqual(['0 rows']);
  });

  test('leaves the values where the tick does not hold the run', async () => {
    const database = await open();
    await prepare(database);
    await database.batch([holdDagRuns(TICK, 2, NOW, [{ id: 'run_1', revision: 0 }]), schedule, deleteEarlierValues(TICK, [retry])]);
    expect(await left(database)).toHaveLength(3);
  });

  test('leaves the values where the try did not begin', async () => {
    const database = await open();
    await prepare(database, 'running');
    await database.batch([holdDagRuns(TICK, 1, NOW, [{ id: 'run_1', revision: 0 }]), schedule, deleteEarlierValues(TICK, [retry])]);
    expect(await left(database)).toHaveLength(3);
  });
});
