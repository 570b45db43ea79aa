import type { TaskInstanceState } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { holdDagRuns } from './hold-dag-runs.ts';
import { recordRetriedTries } from './record-tries.ts';
import { scheduleTaskInstances } from './schedule-task-instances.ts';

const TICK = 'tick';
const NOW = 5_000;

async function prepare(database: Database, state: TaskInstanceState, changes: Readonly<Record<string, number | null>> = {}): Promise<void> {
  await insertDag(database);
  await insertDagRun(database);
  await insertTaskInstance(database, state, changes);
}

function retry(database: Database, term = 1) {
  return database.batch([
    holdDagRuns(TICK, term, NOW, [{ id: 'run_1', revision: 0 }]),
    recordRetriedTries(TICK, [{ id: 'instance_1', epoch: 1 }]),
    scheduleTaskInstances(TICK, NOW, [{ id: 'instance_1', epoch: 1, raisesTry: 1, resumption: null }]),
  ]);
}

function recorded(database: Database) {
  return database.reads.selectFrom('taskInstanceHistory').selectAll().execute();
}

describeDatabases('the history of tries', (open) => {
  test('gets a try that is followed by another one, as it ended, once', async () => {
    const database = await open();
    await prepare(database, 'up_for_retry', { started_at: 1_000, ended_at: 2_000, pid: 7 });
    await retry(database);
    await retry(database);
    expect(await recorded(database)).toMatchObject([
      { epoch: 1, tryNumber: 1, state: 'up_for_retry', scheduledAt: 500, startedAt: 1_000, endedAt: 2_000, pid: 7 },
    ]);
  });

  test.each([
    ['a try that goes on', 'up_for_reschedule', {}, 1],
    ['the first try of all', 'none', { scheduled_at: null, try_number: 0 }, 1],
    ['what was cleared, and is there already', 'none', { scheduled_at: null }, 1],
    ['a try in a run of another scheduler', 'up_for_retry', {}, 2],
  ] as const)('does not get %s', async (_what, state, changes, term) => {
    const database = await open();
    await prepare(database, state, changes);
    await retry(database, term);
    expect(await recorded(database)).toEqual([]);
  });
});
