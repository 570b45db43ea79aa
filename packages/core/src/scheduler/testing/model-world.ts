import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Attempt, SerializedDag, TaskInstanceState, TryOutcome, Workload } from '@tradewind/protocol';
import type { Clock } from '../../platform/clock.ts';
import type { Executor } from '../../platform/executor.ts';
import { silentLog } from '../../platform/log.ts';
import { createSeededRandom } from '../../platform/testing/seeded-random.ts';
import { createVirtualClock, type VirtualClock } from '../../platform/testing/virtual-clock.ts';
import type { Database } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { openSqliteConnection } from '../../store/sqlite-database.ts';
import { insert } from '../../store/testing/transition-fixtures.ts';
import { createDagRun } from '../../store/transitions/create-dag-run.ts';
import { startScheduler, type Scheduler } from '../scheduler.ts';
import { DRAWN_POOLS } from './random-dag.ts';
import type { ObservedInstance, ObservedRun } from './reference-run.ts';

/** An attempt that was handed over and not answered yet. */
export interface HeldAttempt {
  readonly workload: Workload;
  isStarted: boolean;
}

/** A scheduler on a database in memory, with workers that somebody plays, and everything in it to be looked at. */
export interface ModelWorld {
  readonly clock: VirtualClock;
  readonly database: Database;
  /** Every attempt that was ever handed over, in order. */
  readonly dispatched: readonly Attempt[];
  readonly held: readonly HeldAttempt[];
  trigger(runId: string, logicalAt: number): Promise<void>;
  start(held: HeldAttempt): void;
  finish(held: HeldAttempt, outcome: TryOutcome): void;
  /** Lets the scheduler do what there is to do, and this much time pass. */
  advance(ms: number): Promise<void>;
  setPaused(isPaused: boolean): Promise<void>;
  wake(): void;
  /** As `kill -9` and a new start: the workers die too. */
  crash(): Promise<void>;
  /** By run id. */
  observe(): ReadonlyMap<string, ObservedRun>;
  /** Ends the scheduler. */
  end(): void;
}

/** Where scenarios are played, one after the other: a database in memory, whose prepared statements serve all of them. */
export interface Stage {
  readonly connection: DatabaseSync;
  readonly database: Database;
  /** The time of whatever is played. */
  clock: VirtualClock;
}

/** Makes a database with all its tables. */
export async function createStage(): Promise<Stage> {
  const connection = new DatabaseSync(':memory:');
  const clock = createVirtualClock();
  const stage: Stage = {
    connection,
    clock,
    database: openSqliteConnection(connection, { file: ':memory:', now: () => stage.clock.now() }),
  };
  await migrate(stage.database, clock.now());
  return stage;
}

/** Starts a scheduler on the emptied stage with one dag. */
export async function createModelWorld(stage: Stage, dag: SerializedDag, parallelism: number): Promise<ModelWorld> {
  const { connection, database } = stage;
  const clock = createVirtualClock();
  stage.clock = clock;
  const random = createSeededRandom(1);
  await clearStage(stage);
  await storeDag(database, dag);
  const dispatched: Attempt[] = [];
  let held: HeldAttempt[] = [];
  let life = beginLife(database, clock);
  const begin = (): Promise<Scheduler> => {
    const workers = held;
    return startScheduler({
      database: life.database,
      clock: life.clock,
      random,
      log: silentLog,
      executor: playedExecutor(parallelism, dispatched, () => workers),
      observe: () => {},
      environmentName: 'model',
      hostname: 'host',
      pid: 1,
      locateCode: (file, bundleVersion) => ({ bundleFolder: '/dags', file, bundleVersion, manifestFile: '/manifest.json' }),
      onOutgoing: () => {},
      isAlone: true,
    });
  };
  let scheduler = await begin();
  const look = createLook(connection);
  const start = (attempt: HeldAttempt): void => {
    if (attempt.isStarted) return;
    attempt.isStarted = true;
    scheduler.report({ type: 'started', attempt: attempt.workload.attempt, at: clock.now(), pid: 1, hostname: 'host' });
  };
  return {
    clock,
    database,
    dispatched,
    get held() {
      return held;
    },
    async trigger(runId, logicalAt) {
      const run = { id: runId, dagId: dag.dagId, runId, triggeredBy: 'test', triggeringUser: null, note: null, conf: '{}' } as const;
      const times = { logicalAt, intervalStartAt: null, intervalEndAt: null, runAfterAt: clock.now() };
      await createDagRun(database, { ...run, ...times, dagVersionId: VERSION }, clock.now());
      scheduler.wake('runs');
    },
    start,
    finish(attempt, outcome) {
      start(attempt);
      held.splice(held.indexOf(attempt), 1);
      scheduler.report({ type: 'ended', attempt: attempt.workload.attempt, at: clock.now(), outcome });
    },
    advance: (ms) => clock.advance(ms),
    async setPaused(isPaused) {
      await database.batch([{ name: 'model_pause', text: () => 'update dag set is_paused = $1', values: [Number(isPaused)] }]);
      scheduler.wake('dags');
    },
    wake() {
      scheduler.wake('runs');
    },
    async crash() {
      life.end();
      held = [];
      life = beginLife(database, clock);
      scheduler = await begin();
    },
    observe: look,
    end() {
      life.end();
    },
  };
}

const VERSION = 'version';
/** What a scenario leaves behind. */
const USED_TABLES = ['xcom', 'task_instance_history', 'task_instance', 'mapped_scope', 'dag_run', 'dag', 'dag_version', 'job'] as const;

async function clearStage({ database }: Stage): Promise<void> {
  const deletes = USED_TABLES.map((table) => ({ name: `model_clear_${table}`, text: () => `delete from ${table}`, values: [] }));
  const pools = { name: 'model_clear_pool', text: () => `delete from pool where name <> 'default_pool'`, values: [] };
  await database.batch([...deletes, pools]);
}

async function storeDag(database: Database, dag: SerializedDag): Promise<void> {
  const version = { id: VERSION, dag_id: dag.dagId, version_number: 1, content_hash: '0', bundle_version: '0' };
  await database.batch([
    insert('dag_version', { ...version, serialized: JSON.stringify(dag), created_at: 0 }),
    insert('dag', {
      dag_id: dag.dagId,
      file: 'dag.ts',
      is_paused: 0,
      is_stale: 0,
      dag_version_id: VERSION,
      bundle_version: '0',
      tags: '[]',
      schedule: JSON.stringify(dag.schedule),
      catchup: 0,
      max_active_runs: dag.maxActiveRuns,
      max_active_tasks: dag.maxActiveTasks,
      parsed_at: 0,
      parse_ms: 1,
      created_at: 0,
    }),
    ...Object.entries(DRAWN_POOLS).map(([name, slots]) => insert('pool', { name, slots, description: '', include_deferred: 0 })),
  ]);
}

/** What a process sees of the world until it dies: then no answer reaches it and no timer of its fires. */
function beginLife(database: Database, clock: Clock): { readonly database: Database; readonly clock: Clock; end(): void } {
  let isOver = false;
  const never = new Promise<never>(() => {});
  return {
    database: { ...database, batch: async (statements) => (isOver ? never : database.batch(statements)) },
    clock: {
      ...clock,
      setTimer: (delayMs, fire) =>
        clock.setTimer(delayMs, () => {
          if (!isOver) fire();
        }),
    },
    end() {
      isOver = true;
    },
  };
}

function playedExecutor(parallelism: number, dispatched: Attempt[], workers: () => HeldAttempt[]): Executor {
  const isSame = (a: Attempt, b: Attempt): boolean => a.taskInstanceId === b.taskInstanceId && a.epoch === b.epoch;
  return {
    name: 'played',
    parallelism,
    dispatch(workload) {
      dispatched.push(workload.attempt);
      workers().push({ workload, isStarted: false });
    },
    holds: (attempt) => workers().some(({ workload }) => isSame(workload.attempt, attempt)),
    cancel() {},
    stop: () => Promise.resolve(),
  };
}

function createLook(connection: DatabaseSync): () => ReadonlyMap<string, ObservedRun> {
  const prepare = (sql: string): StatementSync => connection.prepare(sql);
  const runs = prepare('select id, state, marked_state as "markedState" from dag_run order by id');
  const instances = prepare(
    `select dag_run_id as "run", id, task_id as "taskId", map_index as "mapIndex", state, epoch, try_number as "tryNumber", max_tries as "maxTries"
     from task_instance order by id`,
  );
  const scopes = prepare('select dag_run_id as "run", scope_id as id, length from mapped_scope');
  return () => {
    const ofRun = Map.groupBy(
      instances.all() as unknown as (ObservedInstance & { run: string; state: TaskInstanceState })[],
      ({ run }) => run,
    );
    const lengths = Map.groupBy(scopes.all() as unknown as { run: string; id: string; length: number }[], ({ run }) => run);
    const rows = runs.all() as unknown as ({ id: string } & Pick<ObservedRun, 'state' | 'markedState'>)[];
    return new Map(
      rows.map(({ id, state, markedState }) => [
        id,
        {
          state,
          markedState,
          instances: ofRun.get(id) ?? [],
          lengths: new Map((lengths.get(id) ?? []).map((scope) => [scope.id, scope.length])),
        },
      ]),
    );
  };
}
