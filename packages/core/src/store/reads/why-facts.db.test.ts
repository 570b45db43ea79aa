import { expect, test } from 'vitest';
import { explainDag, explainRun, explainTaskInstance } from '../../model/why.ts';
import type { Database } from '../database.ts';
import { describeDatabases } from '../testing/describe-databases.ts';
import { serializedTask } from '../testing/serialized-dag.ts';
import { STORED_AT, storeDag, storeRun } from '../testing/stored-run.ts';
import { insert } from '../testing/transition-fixtures.ts';
import { findDag } from './dags.ts';
import { findDagRun } from './dag-runs.ts';
import type { ReadableDags } from './query-parts.ts';
import { findTaskInstance } from './task-instances.ts';
import { readDagFacts, readRunFacts, readTaskFacts } from './why-facts.ts';

const NOW = STORED_AT + 60_000;
const TASKS = [serializedTask('a', { pool: 'etl' }), serializedTask('b', { upstream: ['a'], dependsOnPast: true })];

async function dagFacts(database: Database) {
  const dag = await findDag(database, 'orders');
  if (dag === undefined) throw new Error('storeDag was not called');
  return readDagFacts(database, dag, NOW);
}

async function why(
  database: Database,
  taskId: string,
  { runId = 'run', readable = 'all' }: { readonly runId?: string; readonly readable?: ReadableDags } = {},
): Promise<string | undefined> {
  const run = await findDagRun(database, 'orders', runId);
  if (run === undefined) throw new Error('storeRun was not called');
  const instance = await findTaskInstance(database, { dagId: 'orders', runId, taskId, mapIndex: -1 });
  const facts = await readTaskFacts(database, await dagFacts(database), { run, taskId, mapIndex: -1, instance, readable });
  return facts && explainTaskInstance(facts).sentence;
}

const liveScheduler = insert('job', {
  kind: 'scheduler',
  hostname: 'host',
  pid: 1,
  started_at: STORED_AT,
  heartbeat_at: NOW - 1_000,
  expires_at: NOW,
});

describeDatabases('what is known of something that does not run', (open) => {
  test('names the pool and who holds it, by name only to those who may read it', async () => {
    const database = await open();
    const dagVersionId = await storeDag(database, TASKS);
    await storeRun(database, { id: 'run', dagVersionId, instances: { a: 'scheduled' } });
    await storeRun(database, { id: 'other', dagVersionId, instances: { a: 'running' } });
    const inPool = { name: 'test_in_pool', text: () => `update task_instance set pool = 'etl'`, values: [] };
    await database.batch([liveScheduler, inPool]);
    expect(await why(database, 'a')).toMatch(/^a waits: there is no pool etl/);
    await database.batch([insert('pool', { name: 'etl', slots: 1, description: '', include_deferred: 0 })]);
    expect(await why(database, 'a')).toBe('a waits: 1 of 1 slots of pool etl are taken; held by orders.a of other.');
    expect(await why(database, 'a', { readable: [] })).toBe(
      'a waits: 1 of 1 slots of pool etl are taken; held by a task of a dag that you may not read.',
    );
  });

  test('knows the run before', async () => {
    const database = await open();
    const dagVersionId = await storeDag(database, TASKS);
    await storeRun(database, { id: 'before', dagVersionId, instances: { b: 'running' }, changes: { logical_at: 1 } });
    await storeRun(database, { id: 'run', dagVersionId, instances: { a: 'success', b: 'none' }, changes: { logical_at: 2 } });
    await database.batch([liveScheduler]);
    expect(await why(database, 'b')).toBe('b waits: it depends on the run before, and before has it in running.');
    expect(await why(database, 'b', { runId: 'before' })).toMatch(/^b runs/);
  });

  test('knows a task of a run that has not started, and no other', async () => {
    const database = await open();
    const dagVersionId = await storeDag(database, TASKS);
    await storeRun(database, { id: 'run', dagVersionId, state: 'queued', instances: {} });
    expect(await why(database, 'a')).toBe('a waits: run run has not started, because no scheduler is running: start the environment.');
    await database.batch([liveScheduler]);
    expect(await why(database, 'a')).toBe('a waits: run run is about to start.');
    expect(await why(database, 'gone')).toBeUndefined();
  });

  test('counts the runs that count against the same limit, and those in line', async () => {
    const database = await open();
    const dagVersionId = await storeDag(database, TASKS);
    const store = (id: string, state: 'queued' | 'running', at: number) =>
      storeRun(database, { id, dagVersionId, state, instances: {}, changes: { run_after_at: at } });
    await store('first', 'running', 1);
    await store('second', 'queued', 2);
    await store('run', 'queued', 3);
    await store('last', 'queued', 4);
    const run = await findDagRun(database, 'orders', 'run');
    if (run === undefined) throw new Error('the run is stored above');
    expect(await readRunFacts(database, run)).toMatchObject({ runningRuns: ['first'], runsAhead: 1 });
    await database.batch([liveScheduler]);
    expect(explainRun({ ...(await dagFacts(database)), maxActiveRuns: 1 }, await readRunFacts(database, run)).sentence).toBe(
      'run waits: 1 of 1 runs of the dag are running (first), and 1 run is in line before it.',
    );
  });

  test('knows when the dag is due', async () => {
    const database = await open();
    await storeDag(database, TASKS);
    await database.batch([liveScheduler]);
    expect(explainDag(await dagFacts(database)).sentence).toBe('orders is started by nobody but you: "tradewind dags trigger orders".');
  });
});
