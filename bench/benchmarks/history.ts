import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';
import { Client } from 'pg';
import { startBenchEnvironment, type BenchDatabase, type BenchEnvironment } from '../bench-environment.ts';
import { percentiles, round, type Figures } from '../figures.ts';
import { CHAIN_DAG, measureHops } from './chain.ts';

const RUNS = 10_000;
const TASKS = 100;

/** The chain in an environment with 1,000,000 finished task instances, and in the same one before it had them. */
export async function history(database: BenchDatabase): Promise<Figures> {
  const environment = await startBenchEnvironment(database, { 'chain.ts': CHAIN_DAG });
  try {
    const empty = percentiles(await measureHops(environment));
    await addHistory(environment);
    const full = percentiles(await measureHops(environment));
    return { ...full, floorP50Ms: empty.p50Ms, ratio: round(full.p50Ms / empty.p50Ms), taskInstances: RUNS * TASKS };
  } finally {
    await environment.stop();
  }
}

/** Rows as the chain leaves them: runs, task instances, their tries and values. */
async function addHistory(environment: BenchEnvironment): Promise<void> {
  if (environment.postgresUrl === undefined) {
    await environment.restart(() => {
      const connection = new DatabaseSync(path.join(environment.folder, '.tradewind/database.sqlite'));
      for (const statement of statements(
        (most) => `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${most}) select i from n`,
      )) {
        connection.exec(statement);
      }
      connection.close();
      return Promise.resolve();
    });
    return;
  }
  const client = new Client({ connectionString: environment.postgresUrl });
  await client.connect();
  for (const statement of statements((most) => `select i from generate_series(1, ${most}) as n(i)`)) await client.query(statement);
  await client.query('analyze');
  await client.end();
}

function statements(numbers: (most: number) => string): readonly string[] {
  const instance = `'old-' || run.i || '-' || task.i`;
  const both = `(${numbers(RUNS)}) as run, (${numbers(TASKS)}) as task`;
  return [
    `insert into dag_run (id, dag_id, run_id, run_type, state, triggered_by, conf, run_after_at, queued_at, started_at, ended_at, dag_version_id, bundle_version)
     select 'old-' || run.i, 'chain', 'old-' || run.i, 'manual', 'success', 'test', '{}', run.i, run.i, run.i, run.i, dag.dag_version_id, dag.bundle_version
     from (${numbers(RUNS)}) as run, dag where dag.dag_id = 'chain'`,
    `insert into task_instance (id, dag_run_id, dag_id, run_id, task_id, map_index, state, epoch, try_number, max_tries, losses, operator, scheduled_at, queued_at, started_at, ended_at)
     select ${instance}, 'old-' || run.i, 'chain', 'old-' || run.i, 'task_' || task.i, -1, 'success', 1, 1, 1, 0, 'function', 1, 2, 3, 4 from ${both}`,
    `insert into xcom (dag_run_id, task_id, map_index, key, value, created_at)
     select 'old-' || run.i, 'task_' || task.i, -1, 'return_value', '{"start":1,"end":2}', 1 from ${both}`,
  ];
}
