/** Entry of the process that fills a database for the benchmark `deferred`: `node bench/seed-deferred.ts FILE_OR_URL`. */
import type { SerializedDag } from '@tradewind/protocol';
import { systemClock } from '../packages/core/src/platform/clock.ts';
import { silentLog } from '../packages/core/src/platform/log.ts';
import { systemRandom } from '../packages/core/src/platform/random.ts';
import type { Database, Statement } from '../packages/core/src/store/database.ts';
import { openPostgres } from '../packages/core/src/store/postgres-database.ts';
import { openSqlite } from '../packages/core/src/store/sqlite-database.ts';
import { insert } from '../packages/core/src/store/testing/transition-fixtures.ts';

export const RUNS = 100;
export const PER_RUN = 1_000;
const A_YEAR_MS = 31_536_000_000;

/** Opens the database of the benchmark: a PostgreSQL by its URL, or a file. */
export function openBenchDatabase(place: string): Database {
  if (!place.startsWith('postgres')) return openSqlite({ file: place, now: () => Date.now() });
  return openPostgres({ url: place, clock: systemClock, random: systemRandom(() => Date.now()), log: silentLog });
}

/** A statement without values. */
export function change(text: string): Statement<never> {
  return { name: `bench ${text}`.slice(0, 60), text: () => text, values: [] };
}

/** Numbers of runs sort as their names do. */
export function pad(place: number): string {
  return String(place).padStart(3, '0');
}

async function seed(database: Database): Promise<void> {
  const elements = Array.from({ length: PER_RUN }, (_, index) => index);
  const dag: SerializedDag = {
    schemaVersion: 1,
    dagId: 'waiting',
    tags: [],
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
    maxActiveRuns: RUNS,
    maxActiveTasks: PER_RUN,
    tasks: [
      {
        taskId: 'wait',
        operator: 'function',
        inputs: {},
        upstream: [],
        triggerRule: 'all_success',
        expand: { kind: 'product', over: [{ name: 'n', source: { kind: 'literal', value: elements } }] },
        retries: 0,
        retryDelayMs: 300_000,
        isolation: 'warm',
        outlets: [],
      },
    ],
    assets: [],
  };
  const trigger = JSON.stringify({ trigger: { kind: 'timer', at: Date.now() + A_YEAR_MS }, stateJson: '{"job":"a0000001"}' });
  await database.batch([
    insert('dag_version', {
      id: 'version',
      dag_id: 'waiting',
      version_number: 1,
      content_hash: 'hash',
      bundle_version: 'bundle',
      serialized: JSON.stringify(dag),
      created_at: 0,
    }),
    insert('dag', {
      dag_id: 'waiting',
      file: 'waiting.ts',
      is_paused: 0,
      is_stale: 0,
      dag_version_id: 'version',
      bundle_version: 'bundle',
      tags: '[]',
      schedule: '{"kind":"none"}',
      catchup: 0,
      max_active_runs: RUNS,
      max_active_tasks: PER_RUN,
      parsed_at: 0,
      parse_ms: 1,
      created_at: 0,
    }),
  ]);
  const random = systemRandom(() => Date.now());
  for (let run = 0; run < RUNS; run += 1) await seedRun(database, `run_${pad(run)}`, { trigger, uuid: () => random.uuid() });
  // As the database itself does in time.
  await database.batch([change('analyze')]);
}

async function seedRun(database: Database, id: string, { trigger, uuid }: { trigger: string; uuid: () => string }): Promise<void> {
  const ids = Array.from({ length: PER_RUN }, (_, index) => ({ id: uuid(), place: index }));
  await database.batch([
    insert('dag_run', {
      id,
      dag_id: 'waiting',
      run_id: id,
      run_type: 'manual',
      state: 'running',
      triggered_by: 'test',
      conf: '{}',
      run_after_at: 0,
      queued_at: 0,
      started_at: Date.now(),
      dag_version_id: 'version',
      bundle_version: 'bundle',
    }),
    insert('mapped_scope', { dag_run_id: id, scope_id: 'wait', length: PER_RUN }),
    {
      name: 'bench_seed_task_instances',
      text: (d) => `
        insert into task_instance
          (id, dag_run_id, dag_id, run_id, task_id, map_index, state, epoch, try_number, max_tries, losses, operator, first_started_at, deferral)
        select given.id, $2, 'waiting', $2, 'wait', given.place, 'deferred', 1, 1, 1, 0, 'function', 1, $3
        from ${d.rows('$1', 'given', { id: 'text', place: 'bigint' })}`,
      values: [JSON.stringify(ids), id, trigger],
    },
  ]);
}

if (import.meta.main) {
  const database = openBenchDatabase(process.argv[2] ?? '');
  await seed(database);
  await database.close();
}
