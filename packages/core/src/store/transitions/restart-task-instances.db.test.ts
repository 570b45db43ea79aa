import { expect, test } from 'vitest';
import type { Database } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { insertDag, insertDagRun, insertTaskInstance } from '../testing/transition-fixtures.ts';
import { holdDagRuns } from './hold-dag-runs.ts';
import { recordRestartedTries } from './record-tries.ts';
import { restartTaskInstances } from './restart-task-instances.ts';

const TICK = 'tick';
const NOW = 5_000;
const restarting = [{ id: 'instance_1', epoch: 1, maxTries: 3 }];

async function prepare(database: Database, state: 'restarting' | 'running'): Promise<void> {
  await insertDag(database);
  await insertDagRun(database);
  await insertTaskInstance(database, state, { started_at: 1_000, hostname: 'host', pid: 7 });
}

function restart(database: Database, term = 1) {
  return database.batch([
    holdDagRuns(TICK, term, NOW, [{ id: 'run_1', revision: 0 }]),
    recordRestartedTries(TICK, NOW, restarting),
    restartTaskInstances(TICK, restarting),
  ]);
}

describeDatabases('a restart', (open) => {
  test('keeps the try that was cleared in the history as failed, once', async () => {
    const database = await open();
    await prepare(database, 'restarting');
    await restart(database);
    await restart(database);
    const tries = await database.reads.selectFrom('taskInstanceHistory').selectAll().execute();
    expect(tries).toMatchObject([{ epoch: 1, tryNumber: 1, state: 'failed', startedAt: 1_000, endedAt: NOW, hostname: 'host', pid: 7 }]);
    expect(JSON.parse(tries[0]?.failure ?? '')).toEqual({
      kind: 'stopped',
      message: 'the task instance was cleared before this try had ended',
    });
    const instance = await database.reads.selectFrom('taskInstance').selectAll().executeTakeFirstOrThrow();
    expect(instance).toMatchObject({ state: 'none', epoch: 2, startedAt: null, failure: null });
  });

  test.each([
    ['runs', 'running', 1],
    ['is in a run of another scheduler', 'restarting', 2],
  ] as const)('leaves the history of what %s alone', async (_what, state, term) => {
    const database = await open();
    await prepare(database, state);
    await restart(database, term);
    expect(await database.reads.selectFrom('taskInstanceHistory').select('epoch').execute()).toEqual([]);
  });
});
